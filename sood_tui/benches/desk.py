"""The queue that lies on the reviewer's desk: order, filter, cursor and range, without a screen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.review.decisions import Step
from store.review.log import Event
from store.review.queue import QueueItem
from store.review.words import Standing

FILTERS = {
    "all": "every candidate",
    "pending": "undecided",
    "unsure": "marked as unsure",
    "accept": "accepted",
    "reject": "rejected",
    "verdict:accept": "accepted by a filter",
    "verdict:reject": "rejected by a filter",
    "verdict:disagree": "disputed among filters",
    "inherited": "decided by inheritance",
    "conflict": "inheriting a contradiction",
    "disputed": "disputed between reviewers",
    "adjudicated": "settled by adjudication",
    "audit": "drawn for the audit",
}


@dataclass(slots=True)
class Desk:
    """Candidates of one superclass and the place in them. The queue keeps its order until it is laid out anew."""

    items: tuple[QueueItem, ...] = ()
    at: int = 0
    anchor: int | None = None

    def lay_out(self, items: Sequence[QueueItem], kept: str, wanted: str = "") -> None:
        """Take a queue: what the filter keeps of it, and the cursor on the wanted candidate if it is there.

        Args:
            items: all candidates in their order.
            kept: one of FILTERS.
            wanted: a wnid; else the first undecided candidate is shown, or the first.
        """
        anchored = self.items[self.anchor].wnid if self.anchor is not None else ""
        self.items = tuple(item for item in items if kept == "all" or item.state == kept)
        self.anchor = self.place_of(anchored)
        place = self.place_of(wanted)
        if place is None:
            place = next((index for index, item in enumerate(self.items) if item.state == "pending"), 0)
        self.at = place

    @property
    def current(self) -> QueueItem | None:
        """The candidate under the cursor; None when the queue is empty."""
        return self.items[self.at] if self.items else None

    @property
    def left(self) -> int:
        """How many candidates of the queue nobody has decided on."""
        return sum(item.state == "pending" for item in self.items)

    @property
    def tally(self) -> dict[str, int]:
        """Candidates of the queue by state."""
        states = [item.state for item in self.items]
        return {state: states.count(state) for state in ("accept", "reject", "unsure", "pending")}

    @property
    def marked(self) -> range:
        """The places that a decision would touch: the range, or an empty one while none is marked."""
        if self.anchor is None:
            return range(0)
        return range(min(self.anchor, self.at), max(self.anchor, self.at) + 1)

    def place_of(self, wnid: str) -> int | None:
        """Where a candidate lies in the queue; None if it does not."""
        return next((index for index, item in enumerate(self.items) if item.wnid == wnid), None)

    def as_they_stand(self, items: Sequence[QueueItem]) -> list[QueueItem]:
        """The candidates as the queue knows them by now; one that has left the queue stays as it was."""
        known = {(item.superclass, item.wnid): item for item in self.items}
        return [known.get((item.superclass, item.wnid), item) for item in items]

    def holds(self, item: QueueItem) -> bool:
        """Whether the candidate lies in the queue."""
        return any((item.superclass, item.wnid) == (other.superclass, other.wnid) for other in self.items)

    def go(self, place: int) -> None:
        """Put the cursor on a place, or on the nearest end."""
        self.at = max(0, min(place, len(self.items) - 1))

    def next_open(self) -> bool:
        """Go to the next candidate that nobody decided on, around the end; False when there is none."""
        for index in (*range(self.at + 1, len(self.items)), *range(self.at)):
            if self.items[index].state == "pending":
                self.at = index
                return True
        return False

    def go_on_after(self, wnid: str, whole: Sequence[QueueItem]) -> None:
        """Go to the next open candidate after one that the filter may have left out; without any, to the next at all.

        Args:
            wnid: of the candidate; one that is not there changes nothing.
            whole: the queue in its order as it would be without the filter.
        """
        order = [item.wnid for item in whole]
        if wnid not in order:
            return
        first = order.index(wnid) + 1
        rank = {one: place for place, one in enumerate((*order[first:], *order[:first]))}
        following = sorted(range(len(self.items)), key=lambda index: rank.get(self.items[index].wnid, len(rank)))
        still_open = [index for index in following if self.items[index].state == "pending"]
        here = self.place_of(wnid)
        self.at = still_open[0] if still_open else here if here is not None else next(iter(following), 0)

    def note_step(self, step: Step) -> None:
        """Bring the candidates of a step that was just taken up to date."""
        events = {(event.superclass, event.wnid): event for event in step.events}
        self.items = tuple(_after(item, events.get((item.superclass, item.wnid))) for item in self.items)

    def take_states(self, standing: Sequence[Standing]) -> set[str]:
        """Take over what stands of candidates by now; order and place stay.

        Returns: the wnids of those that changed.
        """
        known = {(row.superclass, row.wnid): row for row in standing}
        fresh = tuple(_standing(item, known.get((item.superclass, item.wnid))) for item in self.items)
        changed = {one.wnid for one, other in zip(fresh, self.items, strict=True) if one != other}
        self.items = fresh
        return changed

    def jump(self, text: str) -> int | None:
        """The place that a text means: a number from 1, a percentage, a wnid, a name or a lemma; None for no place."""
        word = text.strip().lower().replace(" ", "_")
        if not word or not self.items:
            return None
        if word.isdigit():
            number = int(word)
            return number - 1 if 1 <= number <= len(self.items) else None
        if word.endswith("%") and word[:-1].replace(".", "", 1).isdigit():
            share = min(float(word[:-1]), 100.0) / 100
            return min(len(self.items) - 1, int(share * len(self.items)))
        for index, item in enumerate(self.items):
            if word in (item.wnid, item.name.lower(), item.lemma.lower()):
                return index
        return next((index for index, item in enumerate(self.items) if item.lemma.lower().startswith(word)), None)


def newest_word(items: Sequence[QueueItem], since: float, reviewer: str) -> str:
    """The wnid of a reviewer's newest decision after a time, in seconds since 1970; empty where there is none."""
    decided = [
        (item.at.timestamp(), index)
        for index, item in enumerate(items)
        if item.at is not None and item.reviewer == reviewer
    ]
    newest, index = max(decided, default=(0.0, 0))
    return items[index].wnid if newest > since else ""


def _standing(item: QueueItem, row: Standing | None) -> QueueItem:
    if row is None:
        return item
    return replace(
        item, state=row.state, reviewer=row.reviewer, at=row.at, note=row.note, inherited_from=row.inherited_from,
        is_adjudicated=row.is_adjudicated,
    )  # fmt: skip


def _after(item: QueueItem, event: Event | None) -> QueueItem:
    """The candidate as it stands after an event on it, if there was one."""
    if event is not None and item.is_adjudicated and not event.is_adjudication:
        return item  # an adjudication stands before every other word
    match event:
        case Event(kind="accept" | "reject" | "unsure" as state):
            return replace(
                item, state=state, reviewer=event.reviewer, at=event.at, note=event.note,
                is_adjudicated=event.is_adjudication,
            )  # fmt: skip
        case Event(kind="clear"):
            return replace(item, state="pending", reviewer=None, at=None, note=None)
        case _:
            return item
