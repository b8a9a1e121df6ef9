"""A sweep on a page: settings as a table, a heat map, a line over the number of words; rows come as they are made."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import set_cell_size
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from sood_tui.benches.sweep import SAMPLE, Setting, SweepSight, heat_map, lines_by_words
from sood_tui.plain import plain
from sood_tui.widgets.lines import Lines, Tone, Words
from sood_tui.widgets.roc_curve import RocCurve
from store.errors import StoreError

if TYPE_CHECKING:
    from sood_tui.app import SoodApp

LOOK_AGAIN = 1.0  # seconds between looks at a sweep that still runs


class SweepScreen(ModalScreen[bool]):
    """Answers whether the exact sweep is wanted; of a sweep that is exact already, no."""

    CSS_PATH = "sweep.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-normal")]  # noqa: RUF012 (as Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,w", "answer(False)", "close", id="sweep.close"),
        Binding("enter,y", "answer(True)", "start it", id="sweep.start"),
        Binding("p", "part", "next set", id="sweep.part"),
        Binding("down,j", "move(1)", "down", id="sweep.down"),
        Binding("up,k", "move(-1)", "up", id="sweep.up"),
        Binding("pagedown,space", "page(1)", "page down", id="sweep.page_down"),
        Binding("pageup", "page(-1)", "page up", id="sweep.page_up"),
    ]

    def __init__(self, look: Callable[[], SweepSight], can_start: bool = False) -> None:
        """A page.

        Args:
            look: reads the sweep; called again while it runs.
            can_start: whether enter starts the exact sweep.
        """
        super().__init__()
        self._look, self._can_start = look, can_start
        self._sight: SweepSight | None = None
        self._part = 0

    def compose(self) -> Iterable[Widget]:
        """The table on the left, map and line on the right."""
        with Vertical(classes="dialog sweep") as box:
            box.border_title = "Sweep"
            yield Static("", classes="summary", markup=False)
            with Container(classes="body"):
                with Vertical(classes="rows"):
                    yield Static("", classes="head", markup=False)
                    yield Lines(id="sweep_rows")
                with Vertical(classes="views"):
                    yield Static("", classes="map", markup=False)
                    yield RocCurve()

    def on_mount(self) -> None:
        """Look, and go on looking while it runs."""
        self._look_again()

    def _look_again(self) -> None:
        self.run_worker(self._read, thread=True, group="sweep", exit_on_error=False)

    def _read(self) -> None:
        try:
            sight = self._look()
        except (EngineError, StoreError, OSError) as error:
            self.app.call_from_thread(cast("SoodApp", self.app).report, error)
            return
        self.app.call_from_thread(self._show, sight)

    def _show(self, sight: SweepSight) -> None:
        if not self.is_mounted:
            return
        self._sight = sight
        self._paint()
        if sight.is_running:
            self.set_timer(LOOK_AGAIN, self._look_again)

    def on_resize(self) -> None:
        """The table follows the width."""
        if self._sight is not None:
            self.call_after_refresh(self._paint)

    def _paint(self) -> None:
        sight = self._sight
        assert sight is not None, "painted after the first look"
        parts = sorted({one.part for one in sight.settings})
        part = parts[self._part % len(parts)] if parts else ""
        mine = [one for one in sight.settings if one.part == part]
        box = self.query_one(".sweep")
        box.border_title = Content(plain(f"{sight.title} · {part}" if part else sight.title))
        box.border_subtitle = self._keys(len(parts))
        self.query_one(".summary", Static).update(_summary(sight, part))
        width = self.query_one("#sweep_rows").size.width
        with_variant = len({one.variant for one in mine}) > 1
        self.query_one(".head", Static).update(_head(width, with_variant))
        ranked = sorted(mine, key=lambda one: -one.auroc)
        self.query_one("#sweep_rows", Lines).show([_row(one, width, with_variant) for one in ranked])
        self.query_one(".map", Static).update(_map(mine))
        self._draw_line(mine)

    def _draw_line(self, mine: list[Setting]) -> None:
        points = lines_by_words(mine)
        if len(points) < 2:
            self.query_one(RocCurve).show_curve([], [], "", "")
            return
        low, high = min(value for _, value in points), max(value for _, value in points)
        first, span = points[0][0], points[-1][0] - points[0][0]
        self.query_one(RocCurve).show_curve(
            [(words - first) / span for words, _ in points],
            [(value - low) / ((high - low) or 1) for _, value in points],
            f" {first:,} to {points[-1][0]:,} words ",
            f"best AUROC, {100 * low:.2f} to {100 * high:.2f}",
        )

    def _keys(self, parts: int) -> str:
        told = ["enter sweeps all pictures"] if self._can_start else []
        told += ["p next set"] if parts > 1 else []
        return " · ".join([*told, "esc closes"])

    # ---- keys ----

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes and self._can_start)

    def action_part(self) -> None:
        """Show the numbers against the next OOD set."""
        self._part += 1
        if self._sight is not None:
            self._paint()

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one(Lines).move(step)

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one(Lines).move_page(pages)


def _summary(sight: SweepSight, part: str) -> Content:
    done = len(sight.settings)
    state = f"{done:,} of {sight.expected:,} rows, {sight.source}" + (", still at work" if sight.is_running else "")
    lines = [Content.styled(plain(state), "$text-warning" if sight.source == SAMPLE else "$foreground 60%")]
    for one in sight.chosen:
        if one.part == part:
            lines.append(
                Content.styled(
                    plain(
                        f"Chosen on one half, reported on the other ({one.n_id:,} ID, {one.n_ood:,} OOD): {told(one)}"
                    ),
                    "bold",
                )
            )
    if not sight.chosen and sight.settings:
        best = max((one for one in sight.settings if one.part == part), key=lambda one: one.auroc)
        lines.append(Content.styled(plain(f"Best so far, not chosen on pictures of its own: {told(best)}"), "bold"))
    return Content("\n").join(lines)


def told(one: Setting) -> str:
    """A setting and its AUROC in a sentence's end."""
    variant = f"{one.variant}, " if one.variant else ""
    return (
        f"{variant}{one.words:,} words, {one.groups} groups, temperature {one.temperature:g}: AUROC "
        f"{100 * one.auroc:.2f} ({100 * one.auroc_low:.1f}-{100 * one.auroc_high:.1f})"
    )


def _head(width: int, with_variant: bool) -> str:
    head = f"{'AUROC':>6} {'95 % interval':>13} {'FPR95 ID+':>10} {'words':>7} {'groups':>6} {'temp':>6}"
    return f"{head}  variant"[:width] if with_variant else head[:width]


def _row(one: Setting, width: int, with_variant: bool) -> Words:
    numbers: list[tuple[str, Tone]] = [
        (f"{100 * one.auroc:>6.2f}", "bold"),
        (f" {100 * one.auroc_low:>6.2f}-{100 * one.auroc_high:<6.2f}", "muted"),
        (f" {100 * one.fpr95_id_positive:>10.2f} {one.words:>7,} {one.groups:>6} {one.temperature:>6g}", "plain"),
    ]
    if not with_variant:
        return numbers
    used = sum(len(text) for text, _ in numbers)
    return [*numbers, ("  " + set_cell_size(plain(one.variant), max(width - used - 2, 0)), "muted")]


def _map(mine: list[Setting]) -> Content:
    if not mine:
        return Content("")
    heads, rows = heat_map(mine)
    lines = [Content.styled(f"{'t / words':>9}" + "".join(f"{head:>8}" for head in heads), "$foreground 60%")]
    for name, cells in rows:
        pieces = [(f"{text:>8}", _heat(share)) for text, share in cells]
        lines.append(Content.assemble((f"{name:>9}", "$foreground 60%"), *pieces))
    return Content("\n").join(lines)


def _heat(share: float) -> str:
    """Colour and weight both tell, so that neither alone has to."""
    if share > 0.95:
        return "bold reverse $text-success"
    return "$text-success" if share > 0.7 else "$text-warning" if share > 0.4 else "$foreground 50%"
