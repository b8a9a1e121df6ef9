"""Home: where everything stands, and what to do next."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.workspace import Workspace
from sood_tui.benches.machine import Machine, look_at_machine
from sood_tui.keys.home import HOME
from sood_tui.keys.screens import SCREEN_KEYS, SCREEN_TITLES
from sood_tui.marks import MARKS, SAID
from sood_tui.plain import ago, fitting, plain, size
from sood_tui.screens.room import RoomScreen
from sood_tui.widgets.funnel import SCREEN_OF_ROOM
from sood_tui.widgets.job_strip import job_bar, job_number, job_numbers
from sood_tui.widgets.lines import Lines, Words

if TYPE_CHECKING:  # what reads is loaded by the thread that reads, after the first frame
    from engine.jobs.summary import JobSummary
    from engine.review.stopping import Progress
    from engine.status import NextStep, RoomCount
    from store.candidates.superclasses import Superclass
    from store.review.log import LogEntry

SHOWN_DECISIONS = 12
SHOWN_JOBS = 8
BAR = 20


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a reload found."""

    rooms: "tuple[RoomCount, ...]"
    next_step: "NextStep"
    decisions: "tuple[LogEntry, ...]"
    superclasses: "tuple[Superclass, ...]"


class HomeScreen(RoomScreen):
    """The funnel with its counts, the next step, jobs, decisions, disk and devices."""

    CSS_PATH = "home.tcss"
    KEYS = HOME
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = list(HOME)

    def __init__(self) -> None:
        super().__init__()
        self._rooms: tuple[RoomCount, ...] = ()
        self._placed = ""

    def compose_body(self) -> Iterable[Widget]:
        """The funnel above; the next step and decisions on the left, jobs and the machine on the right."""
        with Vertical(id="funnel_panel", classes="panel") as panel:
            panel.border_title = Content(plain(self.workspace.root.name))
            panel.border_subtitle = Content(plain(str(self.workspace.root.parent)))
            yield Lines(id="rooms")
        with Horizontal(classes="body"):
            for side, names in (("left", ("next", "superclasses", "decisions")), ("right", ("jobs", "machine"))):
                with Vertical(id=side):
                    for name in names:
                        with Vertical(id=f"{name}_panel", classes="panel") as panel:
                            panel.border_title = name
                            yield Static("", id=name, markup=False)

    def enter(self) -> None:
        """Read again, and show a newcomer around."""
        super().enter()
        self.sood.offer_tour()

    def reload(self) -> None:
        """Count everything again."""
        self.in_thread("standing", partial(_read, self.workspace, self.sood.blind_for), self._take)
        if not self.sood.is_blind:
            self.in_thread("progress", self.sood.read_progress, self._take_progress)
        self.in_thread("machine", partial(look_at_machine, self.workspace.root), self._take_machine)
        self.jobs_seen(self.sood.jobs)

    def _take(self, standing: _Standing) -> None:
        self._rooms = standing.rooms
        lines = self.query_one("#rooms", Lines)
        step = standing.next_step.command.split()[1]
        room = {"init": "wordnet"}.get(step, step)
        names = [row.room for row in standing.rooms]
        # The cursor stands on the next step until the person moves it.
        place = names.index(room) if room != self._placed and room in names else None
        self._placed = room
        lines.show(_room_lines(standing.rooms, max(self.size.width - 2, 30)), place)
        lines.styles.height = len(standing.rooms)
        self.query_one("#next", Static).update(_next_content(standing.next_step, room))
        self.query_one("#decisions", Static).update(_decisions(standing.decisions, self._inside("decisions")))
        no_superclass = f"No superclass yet. {self.sood.way_to_superclasses}"
        superclasses = _superclasses(standing.superclasses, self._inside("superclasses"), no_superclass)
        self.query_one("#superclasses", Static).update(superclasses)

    def _take_progress(self, rows: "tuple[Progress, ...]") -> None:
        from sood_tui.benches.progress import goal_of
        from sood_tui.lines.stop import summary

        told = summary(rows, goal_of(self.sood.settings)) if any(row.accepted for row in rows) else ""
        self.query_one("#superclasses_panel").border_subtitle = Content(told)

    def _inside(self, name: str) -> int:
        return max(self.query_one(f"#{name}_panel").size.width - 2, 24)

    def _take_machine(self, machine: Machine) -> None:
        self.query_one("#machine", Static).update(_machine_content(machine))

    def jobs_seen(self, jobs: "tuple[JobSummary, ...]") -> None:
        """Show the newest jobs."""
        if self.is_mounted:
            self.query_one("#jobs", Static).update(_jobs_content(jobs[::-1][:SHOWN_JOBS], self._inside("jobs")))

    def on_resize(self) -> None:
        """The bars follow the width."""
        self.call_after_refresh(self.reload)

    async def action_next_step(self) -> None:
        """Go to the screen of the room under the cursor."""
        place = self.query_one("#rooms", Lines).cursor
        if place < len(self._rooms):
            await self.sood.action_go(SCREEN_OF_ROOM.get(self._rooms[place].room, "home"))

    @on(Lines.Chosen)
    async def go_to_clicked(self) -> None:
        """Go to the screen of the room that was clicked."""
        await self.action_next_step()

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one("#rooms", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one("#rooms", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """Go to the first or the last room."""
        self.query_one("#rooms", Lines).go(0 if end < 0 else len(self._rooms) - 1)


def _read(workspace: Workspace, blind_for: str | None) -> _Standing:
    from engine.review.blind import own_history
    from engine.status import next_step, room_counts
    from store.candidates.superclasses import fetch_superclasses
    from store.review.log import fetch_log
    from store.status import fetch_funnel

    with workspace.opened().reading() as cursor:
        funnel = fetch_funnel(cursor)
        log = fetch_log(cursor, limit=SHOWN_DECISIONS if blind_for is None else None)
        decisions = tuple(log) if blind_for is None else own_history(log, blind_for)[:SHOWN_DECISIONS]
        return _Standing(room_counts(funnel), next_step(funnel), decisions, tuple(fetch_superclasses(cursor)))


def _room_lines(rooms: "Sequence[RoomCount]", width: int) -> list[Words]:
    widest = max((room.count for room in rooms), default=1)
    lines: list[Words] = []
    for room in rooms:
        # Rooms differ by factors of a thousand: the bars show orders of magnitude.
        share = math.log10(room.count + 1) / math.log10(widest + 1) if widest else 0.0
        bar = "━" * max(round(BAR * share), 1 if room.count else 0)
        head = f" {room.room:<11}{room.count:>10,} "
        parts = [*filter(None, (room.unit, *plain(room.detail).split(", ")))]
        with_bar = width >= len(head) + BAR + 60
        room_left = width - len(head) - (BAR + 1 if with_bar else 0)
        lines.append(
            [
                (head, "bold" if room.count else "muted"),
                (f"{bar:<{BAR}} " if with_bar else "", "accent"),
                (fitting(parts, room_left) if parts else "", "muted"),
            ]
        )
    return lines


def _next_content(step: "NextStep", room: str) -> Content:
    screen = SCREEN_OF_ROOM.get(room, "home")
    where = f"enter opens {SCREEN_TITLES[screen]} ({SCREEN_KEYS[screen].upper()})"
    return Content.assemble(
        (plain(step.reason), "bold"), "\n", where, "\n", ("on the command line: ", "$foreground 60%"),
        (plain(step.command), "$text-accent"),
    )  # fmt: skip


def _jobs_content(jobs: "Sequence[JobSummary]", width: int) -> Content:
    if not jobs:
        return Content.styled("No job yet. F5 begins one.", "$foreground 60%")
    lines = []
    for job in jobs:
        title = plain(f"#{job_number(job)} {job.title}")
        if job.state in ("queued", "running"):
            numbers = job_numbers(job)
            room = max(width - len(title) - len(numbers) - 2, 4)
            done, left = job_bar(job, room)
            lines.append(Content.assemble(title, " ", (done, "$success"), (left, "$foreground 30%"), " ", numbers))
        else:
            colour = {"finished": "$text-success", "cancelled": "$text-warning"}.get(job.state, "$text-error")
            words = Content.assemble((title, "$foreground 80%")).truncate(width - len(job.state) - 2, ellipsis=True)
            lines.append(Content.assemble(words, "  ", (job.state, colour)))
    return Content("\n").join(lines)


def _decisions(entries: "Sequence[LogEntry]", width: int) -> Content:
    if not entries:
        return Content.styled("No decision yet. F4 reviews candidates.", "$foreground 60%")
    lines = []
    for entry in entries:
        mark = MARKS.get(entry.kind)
        if entry.kind in ("undo", "redo"):
            words = Content.styled(f"↶ {entry.kind} by {plain(entry.reviewer)}, {ago(entry.at)}", "$foreground 60%")
        else:
            name = plain(entry.name or entry.wnid)
            about = f"a picture: {SAID[entry.kind]}" if entry.path else f"under {plain(entry.superclass)}"
            words = Content.assemble(
                (f"{mark.sign if mark else '×' if entry.path else '·'} ", mark.colour if mark else ""),
                (name, "strike" if entry.undone else "bold"), (f" {about}, {ago(entry.at)}", "$foreground 60%"),
            )  # fmt: skip
        lines.append(words.truncate(width, ellipsis=True))
    return Content("\n").join(lines)


def _superclasses(rows: "Sequence[Superclass]", width: int, none_yet: str) -> Content:
    """The superclasses with most left to do first, each with the share that was decided."""
    if not rows:
        return Content.styled(none_yet, "$foreground 60%")
    room = min(max(len(row.superclass) for row in rows), max(width - 44, 8))
    lines = []
    for row in sorted(rows, key=lambda row: (-row.pending, row.superclass)):
        done = round(10 * (row.candidates - row.pending) / row.candidates) if row.candidates else 0
        lines.append(
            Content.assemble(
                (f"{plain(row.superclass)[:room]:<{room}} ", "bold"),
                ("━" * done, "$success"),
                ("─" * (10 - done), "$foreground 30%"),
                f" {row.pending:>6,} left ",
                (f"✓{row.accepted:>5,} ", "$text-success"),
                (f"✗{row.rejected:>5,} ", "$text-error"),
                (f"?{row.unsure:>4,}", "$text-warning"),
            )
        )
    return Content("\n").join(lines)


def _machine_content(machine: Machine) -> Content:
    lines = [
        f"disk     {size(machine.disk_free)} free of {size(machine.disk)}",
        f"cpu      {machine.processors} processors, load {machine.load:.1f}",
    ]
    lines += [
        f"gpu {index}    {plain(device.name)}, {size(device.memory_used)} of {size(device.memory)} in use"
        for index, device in enumerate(machine.devices)
    ] or ["gpu      none"]
    return Content("\n".join(lines))
