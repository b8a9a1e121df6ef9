"""Browse: WordNet as a tree, what lies under what, and pictures of all of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine.candidates.superclasses import AddReport, add_superclass
from engine.errors import EngineError
from engine.review import decisions as review
from engine.review.decisions import DecisionKind, Step
from engine.review.subtrees import Reach, decide_subtree, reach
from engine.wordnet.finding import find
from engine.workspace import Workspace
from sood_tui.folio import Folio, read_folio, seen_by
from sood_tui.keys import BROWSE
from sood_tui.marks import MARKS, VERBS
from sood_tui.plain import plain, some
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, ConfirmDialog, FindDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.tree_reading import (
    Marks,
    Unfolded,
    read_children,
    read_marks,
    read_subtree,
    read_unfolded,
)
from sood_tui.widgets.contact_sheet import ContactSheet
from sood_tui.widgets.facts import Facts, synset_facts
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.synset_tree import WIDE, Line, Path, SynsetTree
from store.wordnet import TreeNode

REST = 0.05  # seconds that the cursor must rest before pictures are asked for
KEPT_LINES = 300  # unfolded lines that are kept for the next start


@dataclass(frozen=True, slots=True)
class _Tree:
    """What a reload found."""

    unfolded: Unfolded
    marks: Marks
    has_pictures: bool


class BrowseScreen(RoomScreen):
    """The tree on the left; the synset under the cursor in words and pictures on the right."""

    CSS_PATH = "browse.tcss"
    ROOM = "wordnet"
    KEYS = BROWSE
    BINDINGS: ClassVar[list[BindingType]] = list(BROWSE)

    def __init__(self) -> None:
        super().__init__()
        self._marks = Marks({}, {}, {})
        self._page = 0
        self._resting: Timer | None = None

    def compose_body(self) -> Iterable[Widget]:
        """The tree, the facts, the sheet."""
        with Horizontal(classes="body"):
            with Frame(id="tree_panel", title="WordNet"):
                yield Static("", id="tree_head", markup=False)
                yield SynsetTree()
            with Container(id="right"):
                with Frame(id="facts_panel"):
                    yield Facts()
                with Frame(id="sheet_panel", title="pictures"):
                    yield ContactSheet(self.sood.thumbnails, self.sood.graphics)

    @property
    def synsets(self) -> SynsetTree:
        """The tree."""
        return self.query_one(SynsetTree)

    # ---- reading ----

    def reload(self) -> None:
        """Read the unfolded lines and the marks again."""
        place, tree = self.sood.place, self.synsets
        unfolded = tree.unfolded if tree.lines else {tuple(path.split("/")) for path in place.unfolded}
        wanted = place.synset if tree.line is None or tree.line.node.wnid != place.synset else ""
        read = partial(_read_tree, self.workspace, unfolded, wanted, self.sood.blind_for)
        self.in_thread("tree", read, self._take_tree)

    def _take_tree(self, read: _Tree) -> None:
        tree = self.synsets
        self._marks = read.marks
        tree.pictured = self.sood.place.pictured and read.has_pictures
        tree.show(read.unfolded.roots, read.unfolded.below, read.unfolded.unfolded, read.unfolded.cursor)
        tree.mark(read.marks.signs)
        self._head()
        if tree.line is not None:
            self._load(tree.line.node.wnid)

    @on(SynsetTree.CursorMoved)
    def follow(self, message: SynsetTree.CursorMoved) -> None:
        """Show the synset once the cursor rests on it."""
        self.sood.place.synset = message.wnid
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, partial(self._load, message.wnid))

    @on(SynsetTree.BelowWanted)
    def read_below(self, message: SynsetTree.BelowWanted) -> None:
        """Read the children of a line that is to be unfolded."""
        wnid = message.path[-1]
        self.in_thread(
            f"below {wnid}", partial(read_children, self.workspace, wnid),
            lambda children: self._unfold({wnid: children}, {message.path}),
        )  # fmt: skip

    def _unfold(self, below: Mapping[str, Sequence[TreeNode]], lines: set[Path]) -> None:
        self.synsets.add_below(below, lines)
        self._keep()

    def _load(self, wnid: str) -> None:
        self._page = 0
        self._read_folio(wnid, 0)

    def _read_folio(self, wnid: str, page: int) -> None:
        capacity = self.query_one(ContactSheet).capacity
        self.in_thread("folio", partial(read_folio, self.workspace, wnid, capacity, page), self._take_folio)

    def _take_folio(self, folio: Folio) -> None:
        line = self.synsets.line
        if line is None or line.node.wnid != folio.synset.wnid:
            return
        facts, panel = self.query_one(Facts), self.query_one("#sheet_panel", Frame)
        self.query_one("#facts_panel", Frame).title = f"{folio.synset.name}  {folio.synset.wnid}"
        facts.show(synset_facts(seen_by(folio, self.sood.blind_for), max(facts.size.width - 2, 20)))
        sheet = self.query_one(ContactSheet)
        marks = {image_id: f"× {mark}" for image_id, mark in folio.marks.items()}
        sheet.show(folio.pictures, "No pictures here or below", marks)
        panel.title = "pictures of all below" if folio.of_subtree else "pictures"
        shown = len(sheet.pictures)
        span = f"{folio.first + 1}–{folio.first + shown}" if folio.first else f"{shown}"
        panel.caption = f"seed {self.workspace.seed} · {span} of {folio.total:,}" if shown else ""

    @on(ContactSheet.CapacityChanged)
    def fill_sheet(self) -> None:
        """Read as many pictures as now fit."""
        if self.synsets.line is not None:
            self._load(self.synsets.line.node.wnid)

    def _head(self) -> None:
        tree = self.synsets
        self.query_one("#tree_panel", Frame).caption = "with pictures" if tree.pictured else "all synsets"
        width = tree.size.width - 1
        numbers = f"{'pictures':>8}{' synsets' if tree.size.width >= WIDE else ''}"
        self.query_one("#tree_head", Static).update(Content(f"{'synset':<{max(width - len(numbers), 6)}}{numbers}"))

    def on_resize(self) -> None:
        """The numbers that fit depend on the width."""
        self.call_after_refresh(self._head)

    def _keep(self) -> None:
        self.sood.place.unfolded = sorted("/".join(path) for path in self.synsets.unfolded)[:KEPT_LINES]

    # ---- moving ----

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.synsets.move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        self.synsets.move(pages * max(self.synsets.size.height - 1, 1))

    def action_move_to_end(self, end: int) -> None:
        """Go to the first or the last line."""
        self.synsets.go(0 if end < 0 else len(self.synsets.lines) - 1)

    def action_scroll_facts(self, lines: int) -> None:
        """Scroll the facts."""
        self.query_one(Facts).scroll_lines(lines)

    def action_toggle_line(self) -> None:
        """Unfold or fold."""
        self.synsets.toggle()
        self._keep()

    def action_unfold(self) -> None:
        """Unfold, or go to the first line below."""
        self.synsets.unfold()
        self._keep()

    def action_fold(self) -> None:
        """Fold, or go up."""
        self.synsets.fold()
        self._keep()

    def action_expand_all(self) -> None:
        """Unfold everything under the line, or fold it when something under it is unfolded already."""
        line = self._line()
        below = {path for path in self.synsets.unfolded if path[: len(line.path)] == line.path}
        children = self.synsets.children_of(line.node.wnid) or ()
        if len(below) > 1 or (below and not any(node.children for node in children)):
            self.synsets.fold()
            return
        self.in_thread(
            "subtree", partial(read_subtree, self.workspace, line.path, self.synsets.pictured),
            lambda found: self._unfold(*found),
        )  # fmt: skip

    def action_toggle_pictured(self) -> None:
        """Show only what has pictures, or all of WordNet."""
        self.sood.place.pictured = not self.synsets.pictured
        self.synsets.set_pictured(self.sood.place.pictured)
        self._head()

    def action_find(self) -> None:
        """Find a synset as one types."""
        store = self.workspace.opened()

        def look(text: str) -> Sequence[Choice]:
            with store.reading() as cursor:
                found = find(cursor, text, 50)
            return [Choice(row.wnid, row.lemma.replace("_", " "), f"{row.wnid}  {row.gloss}") for row in found]

        self.app.push_screen(FindDialog("Find a synset", look, "lemma, name, wnid or words of the gloss"), self._reveal)

    def _reveal(self, wnid: str | None) -> None:
        if wnid is not None:
            read = partial(read_unfolded, self.workspace, self.synsets.unfolded, wnid)
            self.in_thread("tree", read, self._show_found)

    def _show_found(self, found: Unfolded) -> None:
        tree = self.synsets
        tree.show(found.roots, found.below, found.unfolded, found.cursor)
        if tree.line is not None and tree.line.path != found.cursor and tree.pictured:
            self.sood.place.pictured = tree.pictured = False
            tree.show(found.roots, found.below, found.unfolded, found.cursor)
            self.sood.say("It has no pictures: the tree now shows all synsets. w goes back.")
        self._head()
        self._keep()

    # ---- deciding ----

    def action_make_superclass(self) -> None:
        """Make the synset a superclass, by a name that can be changed first."""
        node = self._line().node

        def named(name: str | None) -> None:
            if name is not None:
                act = partial(add_superclass, self.workspace, [node.wnid], name.strip() or None)
                self.in_thread("superclass", act, self._told_superclass)

        there = f"{some(node.subtree_synsets, 'synset')} with {some(node.subtree_images, 'picture')} at and under it."
        asked = f"{there}\nIts name in prompts and exports:"
        self.app.push_screen(AskDialog(f"New superclass: {node.name}", asked, node.lemma.lower()), named)

    def _told_superclass(self, report: AddReport) -> None:
        told = f"{report.superclass}: {some(report.candidates, 'candidate')}, {some(report.images, 'picture')}."
        touching = [overlap.other for overlap in report.overlaps]
        self.sood.say(f"{told} Shares synsets with {', '.join(touching)}." if touching else told)
        self.sood.place.superclass = report.superclass
        self._changed()

    def action_decide(self, kind: DecisionKind) -> None:
        """Decide on the synset under the cursor."""
        node = self._line().node
        under = self._marks.states.get(node.wnid, {})
        if not under:
            raise EngineError(f"{node.lemma} is no candidate.", "s on a synset above it makes that a superclass.")
        choices = [Choice(name, name, f"{MARKS[state].sign} {MARKS[state].word}") for name, state in under.items()]
        self._with_superclass(
            f"{VERBS[kind]} {node.lemma} under", choices,
            lambda superclass: self._take(superclass, kind, partial(
                review.decide, self.workspace, superclass, [node.wnid], kind, self.sood.settings.reviewer)),
        )  # fmt: skip

    def action_decide_subtree(self, kind: DecisionKind) -> None:
        """Give a decision to the synset and every candidate under it, after a question with their number."""
        node, workspace = self._line().node, self.workspace

        def read() -> list[Reach]:
            with workspace.opened().reading() as cursor:
                return reach(cursor, node.wnid, kind)

        self.in_thread("under", read, partial(self._ask_subtree, kind, node))

    def _ask_subtree(self, kind: DecisionKind, node: TreeNode, found: list[Reach]) -> None:
        if not found:
            error = EngineError(f"No candidate lies at or under {node.lemma}.", "Press s to make it a superclass.")
            self.sood.report(error)
            return
        by_name = {row.superclass: row for row in found}

        def ask(superclass: str) -> None:
            question = reach_words(by_name[superclass], VERBS[kind], node.lemma)

            def answered(yes: bool | None) -> None:
                if yes:
                    self._record(superclass, node.wnid, kind)

            number = by_name[superclass].changed
            self.app.push_screen(ConfirmDialog("Subtree", question, f"{VERBS[kind].lower()} {number}"), answered)

        choices = [Choice(row.superclass, row.superclass, some(row.candidates, "candidate")) for row in found]
        self._with_superclass(f"{VERBS[kind]} the subtree of {node.lemma} under", choices, ask)

    def _with_superclass(self, title: str, choices: list[Choice], act: Callable[[str], None]) -> None:
        """Ask for the superclass only where there are several."""
        if len(choices) == 1:
            act(choices[0].key)
            return

        def chosen(superclass: str | None) -> None:
            if superclass is not None:
                act(superclass)

        self.app.push_screen(ChooseDialog(title, choices, self.sood.place.superclass), chosen)

    def _record(self, superclass: str, wnid: str, kind: DecisionKind) -> None:
        act = partial(decide_subtree, self.workspace, superclass, wnid, kind, self.sood.settings.reviewer)
        self._take(superclass, kind, act)

    def _take(self, superclass: str, kind: DecisionKind, act: Callable[[], Step]) -> None:
        def told(step: Step) -> None:
            self.sood.say(f"{some(len(step.wnids), 'synset')} {MARKS[kind].word} under {superclass}")
            self._changed()

        self.in_thread("decisions", act, told)

    def _changed(self) -> None:
        self.sood.read_counts()
        self.reload()

    # ---- elsewhere ----

    async def action_open_review(self) -> None:
        """Open the superclass or the candidate in Review."""
        wnid = self._line().node.wnid
        place = self.sood.place
        names = [*self._marks.roots.get(wnid, ()), *self._marks.states.get(wnid, {})]
        if not names:
            raise EngineError("This synset is neither superclass nor candidate.", "Press s to make it a superclass.")
        if place.superclass not in names:
            place.superclass = names[0]
        if wnid in self._marks.states:
            place.candidate, place.filter = wnid, "all"
        await self.sood.action_go("review")

    def action_other_samples(self) -> None:
        """Show other pictures."""
        self._page += 1
        self._read_folio(self._line().node.wnid, self._page)

    def action_large(self) -> None:
        """Show the first picture as large as it goes."""
        self._enlarge(0)

    @on(ContactSheet.Chosen)
    def enlarge_clicked(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        self._enlarge(message.index)

    def _enlarge(self, index: int) -> None:
        from sood_tui.screens.picture import PictureScreen

        pictures = self.query_one(ContactSheet).pictures
        if pictures:
            node = self._line().node
            superclass = next(iter(self._marks.states.get(node.wnid, {})), "")

            def closed(changed: bool | None) -> None:
                if changed:
                    self._read_folio(node.wnid, self._page)

            word = node.lemma.replace("_", " ")
            self.app.push_screen(PictureScreen(pictures, index, word, superclass, node.wnid), closed)

    def _line(self) -> Line:
        line = self.synsets.line
        if line is None:
            raise EngineError("WordNet is not in this workspace.", "`sood-tui init` takes it in.")
        return line


def _read_tree(workspace: Workspace, unfolded: Iterable[Path], wnid: str, blind_for: str | None) -> _Tree:
    tree = read_unfolded(workspace, unfolded, wnid)
    return _Tree(tree, read_marks(workspace, blind_for), any(root.subtree_images for root in tree.roots))


def reach_words(row: Reach, verb: str, lemma: str) -> str:
    """What a decision on a subtree would do, as a question with its numbers."""
    below = f"of {plain(row.superclass)} at and under {plain(lemma.replace('_', ' '))}"
    words = [f"{verb} {some(row.candidates, 'candidate')} {below}?", f"{row.changed:,} would change."]
    if row.earlier:
        words.append(f"{some(row.earlier, 'earlier decision')} among them would change.")
    if row.own:
        words.append(f"{some(row.own, 'decision')} on single candidates {'stays' if row.own == 1 else 'stay'}.")
    return "\n".join([*words, "One u takes it all back."])
