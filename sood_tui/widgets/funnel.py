"""The top bar: the rooms of the walk with their counts, the present one lit."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from textual import events
from textual.reactive import reactive
from textual.strip import Strip

from engine.walk import room_names
from sood_tui.widgets.painting import LinePainter

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

SCREEN_OF_ROOM = {
    "wordnet": "browse",
    "images": "jobs",
    "candidates": "browse",
    "filters": "jobs",
    "review": "review",
    "scoring": "jobs",
    "splits": "splits",
    "export": "splits",
    "evaluation": "evaluate",
}
HOME = "sood"
GUEST = "guest"
ARROW, WIDE_ARROW = "›", " › "
_BIG = re.compile(r"\b(\d{2,3}),\d{3}\b")  # 82,115 becomes 82k where space is short


class Funnel(LinePainter):
    """One line; a click on a room opens the screen where one works on it."""

    PART_PREFIX = "funnel"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "funnel--lit", "funnel--count", "funnel--arrow", "funnel--name", "funnel--guest",
    }  # fmt: skip
    DEFAULT_CSS = """
    Funnel {
        height: 1; width: 1fr; background: $panel;
        & .funnel--name { color: $foreground 80%; }
        & .funnel--guest { background: $warning; color: $text; text-style: bold; }
        & .funnel--lit { background: $primary; color: $text; text-style: bold; }
        & .funnel--count { color: $text-accent; }
        & .funnel--arrow { color: $foreground 40%; }
    }
    """

    counts: reactive[Mapping[str, str]] = reactive[Mapping[str, str]](dict)
    """What stands behind each room's name: `1.6M`, `612 left`."""

    def __init__(self, lit: str, reviewer: str, is_guest: bool = False) -> None:
        super().__init__()
        # Both are as wide: at 80 columns the names of the rooms fit beside them to the last cell.
        self._home = f" {GUEST}" if is_guest else f" {HOME} "
        self._is_guest = is_guest
        self._lit = lit
        self._reviewer = reviewer
        self._spans: list[tuple[int, int, str]] = []

    def render_line(self, y: int) -> Strip:
        """The line, with as many counts as there is space for."""
        width = self.size.width
        base = self.part_style()
        style = {name: self.part_style(name) for name in ("lit", "count", "arrow", "name", "guest")}
        rooms = room_names()
        items, arrow = self._fitting(width)
        home = "guest" if self._is_guest else "lit" if self._lit == HOME else "name"
        segments = [Segment(self._home, style[home])]
        self._spans, x = [(0, len(self._home), "home")], len(self._home)
        for index, (room, (name, count)) in enumerate(zip(rooms, items, strict=True)):
            between = ("│ " if arrow == WIDE_ARROW else "│") if index == 0 else arrow
            segments.append(Segment(between, style["arrow"]))
            x += len(between)
            lit = room == self._lit
            text = name
            segments.append(Segment(text, style["lit"] if lit else style["name"]))
            number = f" {count}" if count else ""
            segments.append(Segment(number, style["lit"] if lit else style["count"]))
            self._spans.append((x, x + len(text) + len(number), SCREEN_OF_ROOM.get(room, "home")))
            x += len(text) + len(number)
        if x + len(self._reviewer) + 2 <= width:
            segments.append(Segment(" " * (width - x - len(self._reviewer) - 1), base))
            segments.append(Segment(f"{self._reviewer} ", style["name"]))
        return Strip(segments).adjust_cell_length(width, base)

    def on_click(self, event: events.Click) -> None:
        """Open the screen of the room under the mouse."""
        for start, end, screen in self._spans:
            if start <= event.x < end:
                cast("SoodApp", self.app).do_now(f"app.go('{screen}')", self.screen)
                return

    def _fitting(self, width: int) -> tuple[list[tuple[str, str]], str]:
        """As much as there is space for: names with counts, and what stands between them."""
        whole = [(room, self.counts.get(room, "")) for room in room_names()]
        brief = [(room, _BIG.sub(lambda found: f"{found[1]}k", count)) for room, count in whole]
        only_lit = [(room, count if room == self._lit else "") for room, count in brief]
        bare = [(room, "") for room, _ in whole]
        for items, arrow in ((whole, WIDE_ARROW), (brief, WIDE_ARROW), (brief, ARROW), (only_lit, WIDE_ARROW),
                             (only_lit, ARROW), (bare, ARROW)):  # fmt: skip
            used = sum(len(name) + len(count) + bool(count) + len(arrow) for name, count in items)
            between = 2 if arrow == WIDE_ARROW else 1
            if used - len(arrow) + len(self._home) + between <= width:
                return items, arrow
        return [(room if room == self._lit else room[:3], "") for room, _ in whole], ARROW
