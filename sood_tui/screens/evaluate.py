"""Evaluate: runs as a table, scores of ID against OOD, ROC, the worst mistakes, sweeps, and two runs side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from rich.cells import set_cell_size
from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from engine.evaluation.comparing import Comparison
from engine.evaluation.mistakes import HurtClass, Mistake
from engine.evaluation.reading import Number
from engine.evaluation.request import EvaluationRequest, Submitted
from engine.evaluation.sweep import SweepResult
from sood_tui.evaluation_bench import ORDERS, Detail, RunLine, heat_rows, ordered, read_detail, read_lines
from sood_tui.keys import EVALUATE
from sood_tui.plain import plain
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog, ConfirmDialog
from sood_tui.screens.room import RoomScreen
from sood_tui.widgets.contact_sheet import ContactSheet
from sood_tui.widgets.lines import Lines, Tone, Words
from sood_tui.widgets.overlaid_histogram import OverlaidHistogram
from sood_tui.widgets.roc_curve import RocCurve


class EvaluateScreen(RoomScreen):
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
        self.query_one("#table_head", Static).update(Content(_head(width)))
        self.query_one("#table", Lines).show([_row(line, width, line is self._marked) for line in self._lines])
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
            return
        self._detail = detail
        self.query_one(OverlaidHistogram).show_scores(detail.of_id, detail.of_ood, detail.threshold, detail.names)
        self.query_one("#roc_panel").border_title = "ROC"
        title = f"share of ID accepted · AUROC {100 * line.auroc.value:.2f}"
        self.query_one(RocCurve).show_curve(
            detail.accepted.tolist(), detail.kept.tolist(), f" share of {plain(line.part)} accepted ", title
        )
        whose = f"{line.part} taken for ID" if self._of == "ood" else f"ID taken for {line.part}"
        self.query_one("#sheet_panel").border_title = Content(plain(f"worst: {whose}"))
        self.query_one("#sheet", ContactSheet).show(detail.pictures, "no picture files")
        self.query_one("#words", Static).update(self._mistake_words(line, detail))

    def _mistake_words(self, line: RunLine, detail: Detail) -> Content:
        lines = [Content.styled(plain(_sentence(line)), "bold")]
        if line.role == "generalisation":
            lines.append(
                Content.styled("A band of a split: its classes are still valid; this is no OOD set.", "$text-warning")
            )
        width = max(self.query_one("#words_panel").size.width - 4, 20)
        lines += [Content(set_cell_size(plain(_mistake_line(one)), width).rstrip()) for one in detail.mistakes[:7]]
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

    def action_new(self) -> None:
        """Ask for methods and sets, then start the job."""
        asked = (
            "Methods | ID set | OOD sets as NAME=SET. A set is split:train, subtree:SYNSET, folder:DIR, list:FILE "
            "or a name of yours."
        )
        suggested = "neglabel mcm energy | split:main/train | easy=split:main/easy hard=split:main/hard"
        self.app.push_screen(AskDialog("New evaluation", asked, suggested, _problem), self._begin)

    def _begin(self, text: str | None) -> None:
        if text is not None:
            request = replace(parsed(text), **self._defaults())
            self._submit(request)

    def _defaults(self) -> dict[str, Any]:
        settings = self.sood.settings
        return {
            "model": settings.text("scoring.model"),
            "pretrained": settings.text("scoring.pretrained") or None,
            "device": settings.text("scoring.device"),
            "batch_size": settings.integer("scoring.batch_size"),
            "reviewer": settings.reviewer,
            "seed": self.workspace.seed,
        }

    def _submit(self, request: EvaluationRequest) -> None:
        from engine.evaluation.request import submit

        def told(submitted: Submitted) -> None:
            self.sood.say(f"{submitted.job_id} evaluates {sum(one.images for one in submitted.sets):,} pictures.")

        self.in_thread("submit", partial(submit, self.workspace, request), told)

    def action_sweep(self) -> None:
        """A preview over a sample at once; the exact sweep as a job when it is wanted."""
        from engine.evaluation.again import preview

        line = self._at()
        self.sood.say(f"Sweeping evaluation {line.run_id} over a sample …")
        self.in_thread("sweep", partial(preview, self.workspace, line.run_id), partial(self._show_sweep, line))

    def _show_sweep(self, line: RunLine, found: list[SweepResult]) -> None:
        mine = [row for row in found if row.ood == line.part] or found
        best = max(mine, key=lambda row: row.auroc)
        table = heat_rows([(row.temperature, row.count, row.groups, row.auroc) for row in mine])
        lines = [
            Content.styled(
                plain(
                    f"Preview, {best.n_id:,} ID and {best.n_ood:,} {best.ood}: AUROC {100 * best.auroc:.2f} "
                    f"({100 * best.auroc_low:.1f}-{100 * best.auroc_high:.1f}) at {best.count:,} words, "
                    f"{best.groups} groups, temperature {best.temperature:g}"
                ),
                "bold",
            )
        ]
        lines += [Content.assemble(*((text, _heat(share)) for text, share in row)) for row in table]
        self.query_one("#words", Static).update(Content("\n").join(lines))
        series: dict[int, float] = {}
        for row in mine:
            series[row.count] = max(series.get(row.count, 0.0), row.auroc)
        counts = sorted(series)
        low, high = min(series.values()), max(series.values())
        span = (counts[-1] - counts[0]) or 1
        self.query_one("#roc_panel").border_title = "sweep"
        self.query_one(RocCurve).show_curve(
            [(count - counts[0]) / span for count in counts],
            [(series[count] - low) / ((high - low) or 1) for count in counts],
            f" {counts[0]:,} to {counts[-1]:,} words ",
            f"best AUROC by number of words, {100 * low:.2f} to {100 * high:.2f}",
        )
        question = f"Sweep {len(found)} settings over all pictures of evaluation {line.run_id}, as a job?"
        self.app.push_screen(ConfirmDialog("Sweep", question, "start it"), partial(self._sweep_exactly, line))

    def _sweep_exactly(self, line: RunLine, yes: bool | None) -> None:
        from engine.evaluation.again import default_grid, negatives_of_run, request_of_run, with_negatives
        from engine.evaluation.plan import SweepPlan
        from engine.evaluation.request import submit
        from store.negatives import fetch_negative_set

        if not yes:
            return
        settings, workspace = self.sood.settings, self.workspace

        def act() -> Submitted:
            request = request_of_run(workspace, line.run_id, settings.reviewer, settings.text("scoring.device"), False)
            with workspace.opened().reading() as cursor:
                name = negatives_of_run(cursor, line.run_id)
                grid = default_grid(fetch_negative_set(cursor, name).words)
            plan = SweepPlan(grid.counts, grid.groups, grid.temperatures, (0.05,))
            request = replace(with_negatives(request, name), methods=("neglabel",), sweep=plan, title="sweep")
            return submit(workspace, request)

        self.in_thread("submit", act, lambda submitted: self.sood.say(f"{submitted.job_id} sweeps."))

    def action_compare(self) -> None:
        """Mark this line, or compare it with the marked one."""
        line = self._at()
        if self._marked is None or self._marked is line:
            self._marked = None if self._marked is line else line
            self._show_table()
            if self._marked is not None:
                self.sood.say("Marked. c on another line compares the two.")
            return
        from engine.evaluation.comparing import compare

        first, self._marked = self._marked, None
        act = partial(compare, self.workspace, (first.run_id, first.method), (line.run_id, line.method))
        self.in_thread("compare", act, self._show_comparison)
        self._show_table()

    def _show_comparison(self, found: list[Comparison]) -> None:
        lines: list[Content] = []
        for one in found:
            title = f"{one.second} less {one.first} on {one.part}, {one.n_id:,} ID and {one.n_ood:,} OOD"
            lines.append(Content.styled(plain(title), "bold"))
            for row in one.differences[:3]:
                sure = "" if row.low <= 0 <= row.high else "  *"
                span = f"{100 * row.low:+.2f} to {100 * row.high:+.2f}"
                lines.append(Content(f"{row.metric:<22}{100 * row.difference:+8.2f}  ({span}){sure}"))
            lines.append(Content(f"{one.changed_id:,} ID and {one.changed_ood:,} OOD pictures changed sides."))
        self.query_one("#words", Static).update(Content("\n").join(lines))

    def action_hurt(self) -> None:
        """List the words that hurt ID classes; when wanted they are dropped and the run is scored again."""
        from engine.evaluation.mistakes import hurt_classes

        line = self._at()
        act = partial(hurt_classes, self.workspace, line.run_id, line.method, line.part)
        self.in_thread("hurt", act, partial(self._ask_drop, line))

    def _ask_drop(self, line: RunLine, found: Sequence[HurtClass]) -> None:
        if not found:
            self.sood.say("Every ID class keeps at least 80 % of its pictures.")
            return
        words = {named.word: one for one in found for named in one.negatives[:1]}
        told = "\n".join(
            f"{one.label}: keeps {one.id_recall:.0%} of {one.pictures}; " + ", ".join(w.word for w in one.negatives[:3])
            for one in found[:8]
        )
        question = f"{plain(told)}\n\nTake out {plain(', '.join(words))} and score again?"
        self.app.push_screen(ConfirmDialog("Words that hurt", question, "drop them"), partial(self._drop, line, words))

    def _drop(self, line: RunLine, words: dict[str, HurtClass], yes: bool | None) -> None:
        from engine.evaluation.again import negatives_of_run, request_of_run, with_negatives
        from engine.evaluation.negatives import edit
        from engine.evaluation.request import submit

        if not yes:
            return
        settings, workspace = self.sood.settings, self.workspace
        recipe = "csp" if line.method in ("csp", "negrefine") else "plain"

        def act() -> Submitted:
            with workspace.opened().reading() as cursor:
                name = negatives_of_run(cursor, line.run_id, recipe)
            for word, one in words.items():
                reason = f"takes the mass of {one.label}, which keeps {one.id_recall:.0%}"
                edit(workspace, name, [word], "drop", reason, settings.reviewer)
            request = request_of_run(workspace, line.run_id, settings.reviewer, settings.text("scoring.device"))
            return submit(workspace, replace(with_negatives(request, name), methods=(line.method,)))

        self.in_thread("submit", act, lambda submitted: self.sood.say(f"{submitted.job_id} scores without them."))

    def action_export(self) -> None:
        """Ask for the folder, then write tables, scores and plots there."""
        line = self._at()
        suggested = str(self.workspace.exports / f"evaluation-{line.run_id}")
        asked = "Tables, scores in OpenOOD's layout, plots and the record. The folder:"
        self.app.push_screen(AskDialog("Export", asked, suggested), partial(self._export, line))

    def _export(self, line: RunLine, folder: str | None) -> None:
        from engine.evaluation.exporting import export

        if folder:
            act = partial(export, self.workspace, line.run_id, Path(folder).expanduser())
            self.in_thread("export", act, lambda found: self.sood.say(f"{len(found.files)} files in {found.folder}."))

    def action_choose(self) -> None:
        """Go to a run."""
        runs = {line.run_id: line for line in self._all}
        choices = [Choice(str(number), f"#{number} {line.title}", line.kind) for number, line in runs.items()]
        self.app.push_screen(ChooseDialog("Evaluation", choices, str(self._at().run_id), "g"), self._go)

    def _go(self, number: str | None) -> None:
        if number is not None:
            place = next(place for place, line in enumerate(self._lines) if str(line.run_id) == number)
            self.query_one("#table", Lines).go(place)

    def _at(self) -> RunLine:
        place = self.query_one("#table", Lines).cursor
        if not self._lines:
            raise EngineError("Nothing was evaluated yet.", "n begins an evaluation.")
        return self._lines[min(place, len(self._lines) - 1)]


def parsed(text: str) -> EvaluationRequest:
    """The request that one line asks for: methods | ID set | OOD sets; bands of a split are generalisation sets.

    Raises: EngineError when a part is missing.
    """
    from engine.evaluation.methods import find_method
    from engine.evaluation.request import SetArgument
    from engine.evaluation.sources import named_argument

    pieces = [piece.split() for piece in text.split("|")]
    if len(pieces) != 3 or len(pieces[1]) != 1 or not pieces[2]:
        raise EngineError("Write methods | ID set | OOD sets, with | between them.")
    methods = [find_method(name).name for name in pieces[0]] or ["neglabel"]
    sets = []
    for pair in pieces[2]:
        name, source = named_argument(pair)
        sets.append(SetArgument(name, source, "generalisation" if source.startswith("split:") else "ood"))
    name, source = named_argument(pieces[1][0])
    return EvaluationRequest(SetArgument(name, source, "id"), sets, methods=tuple(methods))


def _problem(text: str) -> str:
    try:
        parsed(text)
    except EngineError as error:
        return f"{error.message} {error.hint}"
    return ""


def _sentence(line: RunLine) -> str:
    return (
        f"#{line.run_id} {line.label} on {line.part}: AUROC {_percent(line.auroc)}, FPR95 ID-positive "
        f"{_percent(line.fpr95_id_positive)}, OOD-positive {_percent(line.fpr95_ood_positive)}; "
        f"{line.n_id:,} ID, {line.n_ood:,} {'OOD' if line.role == 'ood' else 'of the band'}"
    )


def _mistake_line(mistake: Mistake) -> str:
    labels = ", ".join(named.word for named in mistake.labels[:2])
    won = ", ".join(f"{named.word} {named.share:.0%}" for named in mistake.negatives[:2])
    name = mistake.path.rpartition("/")[2]
    return f"{mistake.id_score:.4f}  {name}: {labels}{f' · against {won}' if won else ''}"


def _percent(number: Number) -> str:
    if number.low is None or number.high is None:
        return f"{100 * number.value:.2f}"
    return f"{100 * number.value:.2f} ({100 * number.low:.1f}-{100 * number.high:.1f})"


def _heat(share: float) -> str:
    return "$text-success" if share > 0.8 else "$text-warning" if share > 0.4 else "$foreground 60%"


WIDE = 100
"""From so many columns on the table has room for intervals."""


def _head(width: int) -> str:
    cell = _cell(width)
    first = f"    # {'method':<{_room(width)}}{'set':<10}{'AUROC':>{cell}}{'FPR95':>{cell}}{'FPR95':>{cell}}"
    return f"{first}\n{'':<{6 + _room(width) + 10}}{'':>{cell}}{'ID+':>{cell}}{'OOD+':>{cell}}"


def _cell(width: int) -> int:
    return 20 if width >= WIDE else 7


def _room(width: int) -> int:
    return max(width - 17 - 3 * _cell(width), 8)


def _row(line: RunLine, width: int, marked: bool) -> Words:
    tone: Tone = "muted" if line.is_adaptive else "plain"
    sign = "»" if marked else "~" if line.is_adaptive else "b" if line.role == "generalisation" else " "
    numbers = (line.auroc, line.fpr95_id_positive, line.fpr95_ood_positive)
    texts = [_percent(number) if width >= WIDE else f"{100 * number.value:.2f}" for number in numbers]
    return [
        (f"{sign}{line.run_id:>4} ", "accent" if marked else "muted"),
        (set_cell_size(plain(line.label), _room(width) - 1) + " ", tone),
        (set_cell_size(plain(line.part), 9) + " ", tone),
        ("".join(f"{text:>{_cell(width)}}" for text in texts), tone),
    ]
