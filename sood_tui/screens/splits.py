"""Splits: thresholds that move under the fingers, and what follows from them."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from engine.splits.change import change_settings, redo_setting, undo_setting
from engine.splits.crowding import Crowding
from engine.splits.settings import MAIN, Change, SplitSettings
from engine.splits.show import SubclassCut
from sood_tui.benches.folio import read_pictures
from sood_tui.benches.thresholds import ThresholdBench, read_bench, read_crowding, split_defaults, threshold_names
from sood_tui.keys.splits import SPLITS
from sood_tui.lines.cut import count_lines, head_line, subclass_line
from sood_tui.plain import plain
from sood_tui.screens.neighbours import Neighbours
from sood_tui.screens.split_rules import RULES, SOURCE, SplitRules
from sood_tui.widgets.frame import Frame
from sood_tui.widgets.lines import Lines
from sood_tui.widgets.score_histogram import ScoreHistogram
from sood_tui.widgets.sheet.contact_sheet import ContactSheet
from sood_tui.widgets.sheet.thumbnails import Picture

REST = 0.4  # seconds after the last move until a threshold is written down as one step
STEP = 1.0
WHO_TAKES_PART = (*(rule.key for rule in RULES), SOURCE.key, "superclass_placed")
"""Settings that change more than where the cut lies."""


class SplitsScreen(SplitRules):
    """Histogram and subclasses on the left; counts, and the pictures next to the chosen threshold, on the right."""

    CSS_PATH = "splits.tcss"
    ROOM = "splits"
    KEYS = SPLITS
    BINDINGS: ClassVar[list[BindingType]] = list(SPLITS)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 (as Textual declares it)

    def __init__(self) -> None:
        super().__init__()
        self._bench: ThresholdBench | None = None
        self._resting: Timer | None = None
        self._typed = ""
        self._rows: list[SubclassCut] = []
        self._separation: tuple[object, Content] | None = None  # the cut that it is of, and what it says

    def compose_body(self) -> Iterable[Widget]:
        """The panels, and the sentence that stands there while nothing is scored."""
        yield Static("", id="nothing", markup=False)
        with Horizontal(classes="body"):
            with Vertical(id="left"):
                with Frame(id="histogram_panel"):
                    yield ScoreHistogram()
                with Frame(id="table_panel", title="subclasses"):
                    yield Static("", id="table_head", markup=False)
                    yield Lines(id="table")
            with Vertical(id="right"):
                with Vertical(id="counts_panel", classes="panel") as panel:
                    panel.border_title = "wanted and realised"
                    yield Static("", id="counts", markup=False)
                yield Neighbours()

    # ---- reading ----

    @property
    def _defaults(self) -> SplitSettings:
        return split_defaults(self.sood.settings, self.workspace.seed)

    def reload(self) -> None:
        """Prepare the split anew; a threshold that still moves is written down first."""
        if self._bench is not None and self._bench.is_moved:
            return
        name = self._bench.superclass if self._bench else self.sood.place.split_superclass
        read = partial(self._read, name)
        self.in_thread("bench", read, self._take)

    def _read(self, superclass: str) -> ThresholdBench | EngineError:
        try:
            return read_bench(self.workspace, self._defaults, superclass, self.split)
        except EngineError as error:  # nothing scored yet is a state of this screen, not a mishap
            return error

    def _take(self, bench: ThresholdBench | EngineError) -> None:
        self.set_class(isinstance(bench, EngineError), "-empty")
        if isinstance(bench, EngineError):
            self._bench = None
            self.query_one("#nothing", Static).update(
                Content.assemble((plain(bench.message), "bold"), "\n\n", (plain(bench.hint), "$foreground 60%"))
            )
            return
        if self._bench is not None:
            bench.chosen = min(self._bench.chosen, len(bench.percentiles) - 1)
        self._bench = bench
        self._show_superclass()
        # Labels take longer than thresholds: they come when they are counted.
        take = partial(self._take_crowding, bench)
        self.in_thread("crowding", partial(read_crowding, self.workspace, bench), take)

    def _take_crowding(self, bench: ThresholdBench, crowding: Crowding | None) -> None:
        bench.crowding = crowding
        if crowding is not None and bench is self._bench:
            self.query_one("#counts", Static).update(self._counts())

    # ---- showing ----

    def _show_superclass(self) -> None:
        bench = self._at()
        self.sood.place.split_superclass = bench.superclass
        self.query_one(ScoreHistogram).show_scores(*bench.scores())
        self.query_one("#table", Lines).show([], 0)
        self._show()

    def _show(self) -> None:
        bench = self._at()
        names = threshold_names(bench.tuned.bands)
        panel = self.query_one("#histogram_panel", Frame)
        title = f"{bench.superclass} · {bench.index + 1} of {len(bench.prepared.superclasses)}"
        panel.title = title
        where = "only here" if bench.alone else "all superclasses"
        typed = f"typing {self._typed}_" if self._typed else where
        typed = typed if self.split == MAIN else f"split {plain(self.split)} · {typed}"
        panel.caption = f"{typed} · moves {names[bench.chosen]}"
        labels = [f"{name} {value:g}" for name, value in zip(names, bench.percentiles, strict=True)]
        self.query_one(ScoreHistogram).show_thresholds(bench.thresholds, labels, bench.tuned.bands, bench.chosen)
        self._show_table()
        self.query_one("#counts", Static).update(self._counts())
        self._show_neighbours()

    def _show_table(self) -> None:
        bench = self._at()
        self._rows = bench.subclasses()
        width = max(self.query_one("#table", Lines).size.width, 30)
        self.query_one("#table", Lines).show([subclass_line(row, width) for row in self._rows])
        self.query_one("#table_head", Static).update(Content(head_line(width)))

    def _counts(self) -> Content:
        if self._separation is not None and self._separation[0] == self._cut():
            return self._separation[1]
        return count_lines(self._at(), self.query_one("#counts_panel").size.width >= 44)

    def _show_neighbours(self) -> None:
        bench = self._at()
        threshold = threshold_names(bench.tuned.bands)[bench.chosen]
        self.query_one(Neighbours).show(threshold, *bench.neighbours(bench.chosen))

    @on(ContactSheet.CapacityChanged)
    def fill_sheets(self) -> None:
        """Read as many pictures as now fit."""
        if self._bench is not None:
            self._show_neighbours()

    def on_resize(self) -> None:
        """The table follows the width."""
        if self._bench is not None:
            self.call_after_refresh(self._show)

    # ---- moving thresholds ----

    def action_shift(self, which: str, steps: int) -> None:
        """Move the Hard or the Easy threshold by one percent."""
        bench = self._at()
        self._move(0 if which == "hard" else len(bench.percentiles) - 1, steps)

    def _move(self, place: int, steps: float) -> None:
        bench = self._at()
        self._typed = ""
        bench.chosen = place
        bench.move(place, bench.percentiles[place] + steps * STEP)
        self._moved()

    def _moved(self) -> None:
        self._show()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._write_down)

    def _write_down(self) -> None:
        bench = self._bench
        if bench is not None and bench.is_moved:
            self._change([bench.change()])

    def _change(self, changes: Sequence[Change]) -> None:
        reviewer, defaults = self.sood.settings.reviewer, self._defaults
        act = partial(change_settings, self.workspace, changes, reviewer, self.split, defaults=defaults)
        self.in_thread("changes", act, self._settle)

    def _settle(self, settings: SplitSettings) -> None:
        if self._bench is not None:
            before = self._bench.prepared.settings
            self._bench.settle(settings)
            self._show()
            self.sood.read_counts()
            if any(getattr(before, key) != getattr(settings, key) for key in WHO_TAKES_PART):
                self.reload()

    def on_screen_suspend(self) -> None:
        """Write down what still moves before another screen comes."""
        self._write_down()

    @on(ScoreHistogram.Pointed)
    def follow_mouse(self, message: ScoreHistogram.Pointed) -> None:
        """Take the threshold next to where the mouse was pressed along with it."""
        bench = self._at()
        if message.begins:
            away = [abs(threshold - message.score) for threshold in bench.thresholds]
            bench.chosen = min(range(len(away)), key=away.__getitem__)
        bench.move(bench.chosen, bench.percentile_at(message.score))
        self._moved()

    def action_which(self) -> None:
        """Choose the next threshold."""
        bench = self._at()
        bench.chosen = (bench.chosen + 1) % len(bench.percentiles)
        self._typed = ""
        self._show()

    def action_digit(self) -> None:
        """Take a digit of a percentile; two digits move the threshold, one does after a moment."""
        self._at()
        self._typed += self.sood.last_key
        if len(self._typed) >= 2:
            self._take_typed()
        else:
            self._show()
            self.set_timer(1.5, partial(self._take_typed, self._typed))

    def _take_typed(self, only: str = "") -> None:
        bench = self._bench
        if bench is None or not self._typed or (only and only != self._typed):
            return
        value, self._typed = float(self._typed), ""
        bench.move(bench.chosen, value)
        self._moved()

    def close_something(self) -> bool:
        """Give up what was typed."""
        typed, self._typed = self._typed, ""
        if typed:
            self._show()
        return bool(typed)

    def action_default(self) -> None:
        """Go back to the thresholds of the settings, or of all superclasses when these are its own."""
        bench = self._at()
        if bench.alone:
            self._change([Change("percentiles", None, bench.superclass)])
        else:
            self._change([Change("percentiles", self._defaults.percentiles)])

    def action_override(self) -> None:
        """Give this superclass thresholds of its own, or take them away again."""
        bench = self._at()
        own = None if bench.alone else bench.percentiles
        self._change([Change("percentiles", own, bench.superclass)])

    def action_separation(self) -> None:
        """Cut the scores of the last evaluation anew, or put the counts back; another cut puts them back too."""
        from engine.evaluation.bands import Moved, separation_moved
        from sood_tui.lines.separation import separation_lines

        bench = self._at()
        cut = self._cut()
        if self._separation is not None and self._separation[0] == cut:
            self._separation = None
            self._show()
            return

        def show(moved: Moved) -> None:
            wide = self.query_one("#counts_panel").size.width >= 60
            self._separation = (cut, separation_lines(moved, wide))
            self._show()

        self.in_thread("separation", partial(separation_moved, self.workspace, bench.prepared, bench.tuned), show)

    def _cut(self) -> object:
        bench = self._at()
        return bench.superclass, bench.percentiles, bench.tuned.band.tobytes()

    def action_undo(self) -> None:
        """Take back the last change of a threshold."""
        self._turn("undo")

    def action_redo(self) -> None:
        """Bring back the change that was taken back last."""
        self._turn("redo")

    def _turn(self, direction: str) -> None:
        self._at()
        self._write_down()
        act = undo_setting if direction == "undo" else redo_setting

        def told(events: object) -> None:
            self.sood.say("Taken back." if direction == "undo" else "Brought back.")
            self.reload()

        self.in_thread("turns", partial(act, self.workspace, self.sood.settings.reviewer, self.split), told)

    # ---- superclasses, pictures, export ----

    def action_next_superclass(self, step: int) -> None:
        """Look at the next superclass, around the end."""
        bench = self._at()
        names = bench.prepared.superclasses
        self._go(names[(bench.index + step) % len(names)])

    def _go(self, name: str | None) -> None:
        if name is not None:
            self._write_down()
            self._at().go(name)
            self._show_superclass()

    def action_move(self, step: int) -> None:
        """Move by lines of the table."""
        self.query_one("#table", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages of the table."""
        self.query_one("#table", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """Go to the hardest or to the most typical subclass."""
        self.query_one("#table", Lines).go(0 if end < 0 else len(self._rows) - 1)

    @on(Lines.Chosen)
    def action_pictures(self) -> None:
        """Show pictures of the subclass under the cursor."""
        self._at()
        place = self.query_one("#table", Lines).cursor
        if place < len(self._rows):
            row = self._rows[place]
            read = partial(read_pictures, self.workspace, row.wnid, 16)
            self.in_thread_to_open("large", read, partial(self._enlarge, row))

    @on(ContactSheet.Chosen)
    def enlarge_clicked(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        row = self.query_one(Neighbours).row_of(message.sheet)
        if row is not None:
            self._enlarge(row, message.sheet.pictures, message.index)

    def _enlarge(self, row: SubclassCut, pictures: tuple[Picture, ...], index: int = 0) -> None:
        from sood_tui.screens.picture import PictureScreen

        def closed(changed: bool | None) -> None:
            if changed:
                self.reload()

        if pictures:
            word = row.lemma.replace("_", " ")
            self.app.push_screen(PictureScreen(pictures, index, word, row.superclass, row.wnid), closed)

    def _under_cursor(self) -> SubclassCut | None:
        place = self.query_one("#table", Lines).cursor
        return self._rows[place] if place < len(self._rows) else None

    def _at(self) -> ThresholdBench:
        if self._bench is None:
            raise EngineError("There is nothing to split yet.", "F5, then n, scores the pictures.")
        return self._bench
