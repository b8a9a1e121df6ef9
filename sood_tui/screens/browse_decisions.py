"""What the Browse screen can decide: a new superclass, a synset, everything under it."""

from collections.abc import Callable, Mapping
from functools import partial

from engine.candidates.superclasses import AddReport, add_superclass
from engine.errors import EngineError
from engine.review import decisions as review
from engine.review.decisions import DecisionKind, Step
from engine.review.subtrees import Reach, decide_subtree, reach
from sood_tui.marks import MARKS, VERBS
from sood_tui.plain import plain, some
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, ConfirmDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.widgets.synset_tree import Line
from store.wordnet.synsets import TreeNode


class BrowseDecisions(RoomScreen):
    """The part of the Browse screen that decides; what it needs of the screen is named below."""

    def _line(self) -> Line:
        raise NotImplementedError

    def _states_of(self, wnid: str) -> Mapping[str, str]:
        raise NotImplementedError

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
        under = self._states_of(node.wnid)
        if not under:
            raise EngineError(
                f"{node.lemma} is no candidate.",
                f"{self.sood.sign_of('browse.superclass')} on a synset above it makes that a superclass.",
            )
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

        self.in_thread_to_open("under", read, partial(self._ask_subtree, kind, node))

    def _ask_subtree(self, kind: DecisionKind, node: TreeNode, found: list[Reach]) -> None:
        if not found:
            hint = f"Press {self.sood.sign_of('browse.superclass')} to make it a superclass."
            self.sood.report(EngineError(f"No candidate lies at or under {node.lemma}.", hint))
            return
        by_name = {row.superclass: row for row in found}

        def ask(superclass: str) -> None:
            undo = self.sood.sign_of("browse.undo")
            question = f"{reach_words(by_name[superclass], VERBS[kind], node.lemma)}\nOne {undo} takes it all back."

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


def reach_words(row: Reach, verb: str, lemma: str) -> str:
    """What a decision on a subtree would do, as a question with its numbers."""
    below = f"of {plain(row.superclass)} at and under {plain(lemma.replace('_', ' '))}"
    words = [f"{verb} {some(row.candidates, 'candidate')} {below}?", f"{row.changed:,} would change."]
    if row.earlier:
        words.append(f"{some(row.earlier, 'earlier decision')} among them would change.")
    if row.own:
        words.append(f"{some(row.own, 'decision')} on single candidates {'stays' if row.own == 1 else 'stay'}.")
    return "\n".join(words)
