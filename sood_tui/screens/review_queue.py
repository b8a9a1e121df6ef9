"""Where a reviewer goes in the queue of Review, and what the queue holds."""

from collections.abc import Sequence

from textual import on

from engine.errors import EngineError
from engine.review.selection import SYNTAX
from sood_tui.benches.desk import FILTERS, Desk
from sood_tui.benches.queue import ORDER_WORDS, why_unfit
from sood_tui.marks import MARKS
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, FindDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.widgets.film_strip import FilmStrip
from store.candidates.superclasses import Superclass
from store.review.queue import QueueItem

BY_WORDS = "by words"


class ReviewQueue(RoomScreen):
    """The part of the Review screen that moves and chooses; what it needs of the screen is named below."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self._superclasses: Sequence[Superclass] = ()

    def _show(self) -> None:
        raise NotImplementedError

    # ---- moving ----

    def action_move(self, step: int) -> None:
        """Go so many candidates on."""
        self.desk.go(self.desk.at + step)
        self._show()

    def action_move_to_end(self, end: int) -> None:
        """Go to the first or the last candidate."""
        self.desk.go(0 if end < 0 else len(self.desk.items) - 1)
        self._show()

    def action_next_open(self) -> None:
        """Go to the next candidate that nobody decided on."""
        if self.desk.next_open():
            self._show()
        else:
            self.sood.say("Everything in this queue is decided.")

    def action_mark(self) -> None:
        """Begin a range here, or end it."""
        self.desk.anchor = self.desk.at if self.desk.anchor is None else None
        self._show()

    def close_something(self) -> bool:
        """Give up the range, if there is one."""
        if self.desk.anchor is None:
            return False
        self.desk.anchor = None
        self._show()
        return True

    @on(FilmStrip.Chosen)
    def go_to(self, message: FilmStrip.Chosen) -> None:
        """Go to the candidate that was clicked."""
        self.desk.go(message.index)
        self._show()

    def action_jump(self) -> None:
        """Ask where to go."""

        def problem_of(text: str) -> str:
            return "" if self.desk.jump(text) is not None else f"Nothing in the queue is {text!r}."

        def go(text: str | None) -> None:
            place = self.desk.jump(text) if text is not None else None
            if place is not None:
                self.desk.go(place)
                self._show()

        asked = f"A number from 1 to {len(self.desk.items)}, a percentage, a wnid or a name."
        self.app.push_screen(AskDialog("Jump", asked, problem_of=problem_of), go)

    def action_find(self) -> None:
        """Find a candidate of the queue as one types."""
        items = self.desk.items

        def search(text: str) -> list[Choice]:
            words = text.lower().split()
            found = [item for item in items if all(word in _searched(item) for word in words)]
            found.sort(key=lambda item: not item.lemma.lower().startswith(words[0]))
            return [Choice(item.wnid, f"{MARKS[item.state].sign} {word_of(item)}", item.gloss) for item in found]

        def go(wnid: str | None) -> None:
            place = self.desk.place_of(wnid or "")
            if place is not None:
                self.desk.go(place)
                self._show()

        self.app.push_screen(FindDialog("Find a candidate", search, "lemma, name, wnid or words of the gloss"), go)

    # ---- choosing what the queue holds ----

    def action_sort(self) -> None:
        """Choose the order of the queue."""
        choices = [Choice(order, order, words) for order, words in ORDER_WORDS.items()]

        def chosen(order: str | None) -> None:
            if order is not None:
                self.sood.place.order = order
                self.reload()

        self.app.push_screen(ChooseDialog("Order of the queue", choices, self.sood.place.order, "t"), chosen)

    def action_filter(self) -> None:
        """Choose which candidates the queue holds."""
        choices = [Choice(key, words) for key, words in FILTERS.items()]
        choices.append(Choice(BY_WORDS, "what words say", "verdict:reject by:anna terrier"))

        def chosen(kept: str | None) -> None:
            if kept == BY_WORDS:
                self._ask_filter()
            elif kept is not None:
                self._use_filter(kept)

        current = self.sood.place.filter
        current = current if current in FILTERS else BY_WORDS
        self.app.push_screen(ChooseDialog("What the queue holds", choices, current, "f"), chosen)

    def _ask_filter(self) -> None:
        current = self.sood.place.filter

        def typed(text: str | None) -> None:
            if text is not None:
                self._use_filter(" ".join(text.split()) or "all")

        self.app.push_screen(
            AskDialog("What the queue holds", SYNTAX, "" if current in FILTERS else current, why_unfit), typed
        )

    def action_blind(self) -> None:
        """Hide what others, filters and scores say, or show it."""
        self.sood.is_blind = not self.sood.is_blind
        hidden = "Blind: you see your own decisions only, no verdicts and no scores."
        self.sood.say(hidden if self.sood.is_blind else "Everything is shown again.")
        self.reload()

    def _use_filter(self, kept: str) -> None:
        self.sood.place.filter = kept
        self.reload()

    def action_choose_superclass(self) -> None:
        """Choose the superclass to review."""
        is_blind = self.sood.is_blind
        choices = [Choice(row.superclass, row.superclass, _numbers(row, is_blind)) for row in self._superclasses]
        if not choices:
            raise EngineError("There is no superclass yet.", self.sood.way_to_superclasses)
        self.app.push_screen(
            ChooseDialog("Superclass", choices, self.sood.place.superclass, "c"), self._go_to_superclass
        )

    def action_next_superclass(self, step: int) -> None:
        """Go to the next superclass, around the end."""
        names = [row.superclass for row in self._superclasses]
        if names:
            place = names.index(self.sood.place.superclass) if self.sood.place.superclass in names else -1
            self._go_to_superclass(names[(place + step) % len(names)])

    def _go_to_superclass(self, name: str | None) -> None:
        if name is not None and name != self.sood.place.superclass:
            self.sood.place.superclass, self.sood.place.candidate = name, ""
            self.desk = Desk()
            self.reload()


def _searched(item: QueueItem) -> str:
    return f"{item.wnid} {item.name} {item.lemma} {item.gloss}".lower().replace("_", " ")


def word_of(item: QueueItem) -> str:
    """The lemma as people write it."""
    return item.lemma.replace("_", " ")


def _numbers(row: Superclass, is_blind: bool) -> str:
    if is_blind:
        return f"{row.candidates:,} candidates · {row.images:,} pictures"
    return f"{row.pending:,} left of {row.candidates:,} · {row.accepted:,} accepted · {row.images:,} pictures"
