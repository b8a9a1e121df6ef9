"""Browse: WordNet as a tree, what lies under what, and pictures of all of it."""

from collections.abc import Iterable, Mapping, Sequence
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

from engine.errors import EngineError
from engine.wordnet.finding import find, lemma_for
from engine.workspace import Workspace
from sood_tui.benches.folio import Folio, read_folio, seen_by
from sood_tui.benches.tree import Marks, Unfolded, read_children, read_marks, read_subtree, read_unfolded
from sood_tui.keys.browse import BROWSE
from sood_tui.lines.synset import synset_facts
from sood_tui.marks import under_of
from sood_tui.screens.browse_decisions import BrowseDecisions
from sood_tui.screens.dialogs import Choice, FindDialog
from sood_tui.widgets.facts import Facts
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.synset_tree import WIDE, Line, Path, SynsetTree
from store.wordnet.synsets import TreeNode

REST = 0.05  # seconds that the cursor must rest before pictures are asked for
KEPT_LINES = 300  # unfolded lines that are kept for the next start


@dataclass(frozen=True, slots=True)
class _Tree:
    """What a reload found."""

    unfolded: Unfolded
    marks: Marks
    has_pictures: bool


class BrowseScreen(BrowseDecisions):
    """The tree on the left; the synset under the cursor in words and pictures on the right."""

    CSS_PATH = "browse.tcss"
    ROOM = "wordnet"
    KEYS = BROWSE
    BINDINGS: ClassVar[list[BindingType]] = list(BROWSE)

    def __init__(self) -> None:
        super().__init__()
        self._marks = Marks({}, {}, {}, {}, {})
        self._page = 0
        self._shown: Folio | None = None
        self._shown_at = 1
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
        self._keep()
        tree.mark(read.marks.signs, {wnid: under_of(tally) for wnid, tally in read.marks.tallies.items()})
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
        self._shown_at = capacity
        self.in_thread("folio", partial(read_folio, self.workspace, wnid, capacity, page), self._take_folio)

    def _take_folio(self, folio: Folio) -> None:
        line = self.synsets.line
        if line is None or line.node.wnid != folio.synset.wnid:
            return
        folio = seen_by(folio, self.sood.blind_for)
        self._shown = folio
        panel = self.query_one("#sheet_panel", Frame)
        self.query_one("#facts_panel", Frame).title = f"{folio.synset.name}  {folio.synset.wnid}"
        under = self._marks.tallies.get(folio.synset.wnid, {})
        wnid, known = folio.synset.wnid, self._marks
        told = partial(synset_facts, folio, under=under, roots=known.roots.get(wnid, ()), torn=known.torn.get(wnid, ()))
        self.query_one(Facts).show(told, wnid)
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
                return [
                    Choice(row.wnid, lemma_for(cursor, row, text).replace("_", " "), f"{row.wnid}  {row.gloss}")
                    for row in find(cursor, text, 50)
                ]

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
            self.sood.say(
                f"It has no pictures: the tree now shows all synsets. {self.sood.sign_of('browse.pictured')} goes back."
            )
        self._head()
        self._keep()

    # ---- elsewhere ----

    async def action_open_review(self) -> None:
        """Open the superclass or the candidate in Review."""
        wnid = self._line().node.wnid
        place = self.sood.place
        names = [*self._marks.roots.get(wnid, ()), *self._states_of(wnid)]
        if not names:
            hint = f"Press {self.sood.sign_of('browse.superclass')} to make it a superclass."
            raise EngineError("This synset is neither superclass nor candidate.", hint)
        if place.superclass not in names:
            place.superclass = names[0]
        if wnid in self._marks.states:
            place.candidate, place.filter, place.kept_at = wnid, "all", 0.0
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
        from sood_tui.screens.picture import Page, PictureScreen

        pictures = self.query_one(ContactSheet).pictures
        if pictures:
            node = self._line().node
            superclass = next(iter(self._states_of(node.wnid)), "")

            def closed(changed: bool | None) -> None:
                if changed:
                    self._read_folio(node.wnid, self._page)

            word = node.lemma.replace("_", " ")
            page = Page.of(self._shown, self._shown_at) if self._shown is not None else None
            self.app.push_screen(PictureScreen(pictures, index, word, superclass, node.wnid, page), closed)

    def action_why(self) -> None:
        """Tell the whole story of the candidate under the cursor."""
        from sood_tui.screens.why import WhyScreen

        node, word = self._line().node, self._line().node.lemma.replace("_", " ")
        states, here = self._states_of(node.wnid), self.sood.place.superclass
        if not states:
            raise EngineError(f"No superclass has {word} as a candidate.", self.sood.way_to_superclasses)
        self.app.push_screen(WhyScreen(here if here in states else next(iter(states)), node.wnid, word))

    def _states_of(self, wnid: str) -> Mapping[str, str]:
        return self._marks.states.get(wnid, {})

    def _line(self) -> Line:
        line = self.synsets.line
        if line is None:
            raise EngineError("WordNet is not in this workspace.", "`sood-tui init` takes it in.")
        return line


def _read_tree(workspace: Workspace, unfolded: Iterable[Path], wnid: str, blind_for: str | None) -> _Tree:
    tree = read_unfolded(workspace, unfolded, wnid)
    return _Tree(tree, read_marks(workspace, blind_for), any(root.subtree_images for root in tree.roots))
