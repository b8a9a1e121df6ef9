"""Evaluate: runs as a table, scores of ID against OOD, ROC, the worst mistakes, sweeps, and two runs side by side."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from sood_tui.benches.evaluation import ORDERS, Detail, RunLine, ordered, read_detail, read_lines
from sood_tui.keys.evaluate import EVALUATE
from sood_tui.lines.evaluation import mistake_lines, sentence, table_head, table_row
from sood_tui.plain import plain
from sood_tui.screens.evaluate_actions import EvaluateActions
from sood_tui.widgets.lines import Lines
from sood_tui.widgets.overlaid_histogram import OverlaidHistogram
from sood_tui.widgets.roc_curve import RocCurve
from sood_tui.widgets.sheet.contact_sheet import ContactSheet

MISTAKES = 10
"""So many mistakes are told in words; more than any terminal has room for."""


class EvaluateScreen(EvaluateActions):
    """The table on the left; what it means on the right."""

    CSS_PATH = "evaluate.tcss"
    ROOM = "evaluation"
    KEYS = EVALUATE
    BINDINGS: ClassVar[list[BindingType]] = list(EVALUATE)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 (as Textual declares it)

    def __init__(self) -> None:
        super().__init__()
        self._all: list[RunLine] = []
        self._lines: list[RunLine] = []
        self._order = ORDERS[0]
        self._of = "ood"
        self._marked: RunLine | None = None
        self._detail: Detail | None = None

    def compose_body(self) -> Iterable[Widget]:
        """The panels, and the sentence that stands there while nothing was evaluated."""
        yield Static("", id="nothing", markup=False)
        with Horizontal(classes="body"):
            with Vertical(id="left"):
                with Vertical(id="table_panel", classes="panel") as panel:
                    panel.border_title = "evaluations"
                    yield Static("", id="table_head", markup=False)
                    yield Lines(id="table")
                with Vertical(id="words_panel", classes="panel") as panel:
                    panel.border_title = "what it says"
                    yield Static("", id="words", markup=False)
            with Vertical(id="right"):
                with Vertical(id="histogram_panel", classes="panel"):
                    yield OverlaidHistogram()
                with Horizontal(id="lower"):
                    with Vertical(id="roc_panel", classes="panel") as panel:
                        panel.border_title = "ROC"
                        yield RocCurve()
                    with Vertical(id="sheet_panel", classes="panel"):
                        yield ContactSheet(self.sood.thumbnails, self.sood.graphics, id="sheet")

    # ---- reading ----

    def reload(self) -> None:
        """Read the runs again."""
        self.in_thread("lines", partial(read_lines, self.workspace), self._take)

    def _take(self, lines: list[RunLine]) -> None:
        self._all = lines
        self.set_class(not lines, "-empty")
        if not lines:
            self.query_one("#nothing", Static).update(
                Content.assemble(
                    ("Nothing was evaluated yet.", "bold"),
                    "\n\n",
                    ("n begins an evaluation; `sood-tui evaluation run --help` has every option.", "$foreground 60%"),
                )
            )
            return
        self._show_table()

    def _show_table(self) -> None:
        self._lines = ordered(self._all, self._order)
        width = max(self.query_one("#table", Lines).size.width, 40)
        self.query_one("#table_head", Static).update(Content(table_head(width)))
        self.query_one("#table", Lines).show([table_row(line, width, line is self._marked) for line in self._lines])
        self.query_one("#table_panel").border_subtitle = Content(f"by {self._order} · b band · ~ adaptive")
        self._read_detail()

    @on(Lines.CursorMoved)
    def _read_detail(self) -> None:
        line = self._at()
        self.in_thread("detail", partial(self._read, line, self._of), self._show)

    def _read(self, line: RunLine, of: str) -> Detail | EngineError:
        try:
            return read_detail(self.workspace, line, of)
        except EngineError as error:  # a line without single scores is a state of this screen, not a mishap
            return error

    # ---- showing ----

    def _show(self, detail: Detail | EngineError) -> None:
        line = self._at()
        panel = self.query_one("#histogram_panel")
        panel.border_title = Content(plain(f"{line.label} · {line.part}"))
        if isinstance(detail, EngineError):
            self._detail = None
            self.query_one("#words", Static).update(Content(plain(f"{detail.message} {detail.hint}")))
            self.query_one("#sheet", ContactSheet).show((), "no pictures")
            self.query_one(OverlaidHistogram).clear()
            self.query_one(RocCurve).show_curve([], [], "", "")
            return
        self._detail = detail
        self.query_one(OverlaidHistogram).show_scores(detail.of_id, detail.of_ood, detail.threshold, detail.names)
        self.query_one("#roc_panel").border_title = f"ROC · AUROC {100 * line.auroc.value:.2f}"
        under, beside = f" share of {plain(line.part)} accepted ", "share of ID accepted"
        self.query_one(RocCurve).show_curve(detail.accepted.tolist(), detail.kept.tolist(), under, beside)
        whose = f"{line.part} taken for ID" if self._of == "ood" else f"ID taken for {line.part}"
        self.query_one("#sheet_panel").border_title = Content(plain(f"worst: {whose}"))
        self.query_one("#sheet", ContactSheet).show(detail.pictures, "no picture files")
        self.query_one("#words", Static).update(self._mistake_words(line, detail))

    def _mistake_words(self, line: RunLine, detail: Detail) -> Content:
        lines = [Content.styled(plain(sentence(line)), "bold")]
        if line.role == "generalisation":
            lines.append(
                Content.styled("A band of a split: its classes are still valid; this is no OOD set.", "$text-warning")
            )
        width = max(self.query_one("#words_panel").size.width - 4, 20)
        for one in detail.mistakes[:MISTAKES]:
            first, second = mistake_lines(one, width)
            lines.append(Content(first))
            lines += [Content.styled(second, "$foreground 60%")] if second else []
        return Content("\n").join(lines)

    @on(ContactSheet.Chosen)
    def enlarge(self, message: ContactSheet.Chosen) -> None:
        """Show the clicked picture as large as it goes."""
        from sood_tui.screens.picture import PictureScreen

        self.app.push_screen(PictureScreen(message.sheet.pictures, message.index, self._at().part))

    def on_resize(self) -> None:
        """The table follows the width."""
        if self._lines:
            self.call_after_refresh(self._show_table)

    # ---- keys ----

    def action_move(self, step: int) -> None:
        """Move by lines of the table."""
        self.query_one("#table", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages of the table."""
        self.query_one("#table", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """To the first or the last line."""
        self.query_one("#table", Lines).go(0 if end < 0 else len(self._lines) - 1)

    def action_large(self) -> None:
        """Show the worst mistake as large as it goes."""
        from sood_tui.screens.picture import PictureScreen

        if self._detail is not None and self._detail.pictures:
            self.app.push_screen(PictureScreen(self._detail.pictures, 0, self._at().part))

    def action_sort(self) -> None:
        """The next order of the table."""
        self._order = ORDERS[(ORDERS.index(self._order) + 1) % len(ORDERS)]
        if self._all:
            self._show_table()

    def action_mistakes(self) -> None:
        """Turn between OOD that looks like ID and ID that looks like OOD."""
        self._of = "id" if self._of == "ood" else "ood"
        self._read_detail()

    def action_compare(self) -> None:
        """Mark this line, or compare it with the marked one."""
        line = self._at()
        if self._marked is None or self._marked is line:
            self._marked = None if self._marked is line else line
            if self._marked is not None:
                self.sood.say("Marked. c on another line compares the two.")
        else:
            first, self._marked = self._marked, None
            self._compare(first, line)
        self._show_table()

    def _every_line(self) -> Sequence[RunLine]:
        return self._all

    def _go(self, number: str | None) -> None:
        if number is not None:
            place = next(place for place, line in enumerate(self._lines) if str(line.run_id) == number)
            self.query_one("#table", Lines).go(place)

    def _at(self) -> RunLine:
        place = self.query_one("#table", Lines).cursor
        if not self._lines:
            raise EngineError("Nothing was evaluated yet.", "n begins an evaluation.")
        return self._lines[min(place, len(self._lines) - 1)]
