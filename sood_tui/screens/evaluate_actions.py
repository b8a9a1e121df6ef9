"""What the Evaluate screen can begin: runs, sweeps, comparisons, other negative labels, exports."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from engine.evaluation.reports.comparing import Comparison
from engine.evaluation.reports.mistakes import HurtClass
from engine.evaluation.request import Submitted
from engine.evaluation.sweeps.grid import SweepResult
from sood_tui.benches.evaluation import RunLine
from sood_tui.benches.sweep import SweepSight, running_sweep, sight_of_job, sight_of_preview, sight_of_run
from sood_tui.plain import plain
from sood_tui.screens.comparison import ComparisonScreen
from sood_tui.screens.dialogs import AskDialog, Choice, ChooseDialog
from sood_tui.screens.recall import Dropped, RecallScreen
from sood_tui.screens.room import RoomScreen
from sood_tui.screens.sweep import SweepScreen

ASKED = (
    "Methods | ID set | OOD sets as NAME=SET. A set is split:train, subtree:SYNSET, folder:DIR, list:FILE "
    "or a name of yours."
)
SUGGESTED = "neglabel mcm energy | split:main/train | easy=split:main/easy hard=split:main/hard"


class EvaluateActions(RoomScreen):
    """The part of the Evaluate screen that asks and begins; what it needs of the screen is named below."""

    def _at(self) -> RunLine:
        raise NotImplementedError

    def _every_line(self) -> Sequence[RunLine]:
        raise NotImplementedError

    def _go(self, number: str | None) -> None:
        raise NotImplementedError

    # ---- runs ----

    def action_new(self) -> None:
        """Ask for methods and sets, then start the job."""
        from sood_tui.orders.evaluation_line import problem_of

        self.app.push_screen(AskDialog("New evaluation", ASKED, SUGGESTED, problem_of), self._begin)

    def _begin(self, text: str | None) -> None:
        from engine.evaluation.request import submit
        from engine.evaluation.scored_with import with_model_of_scoring
        from sood_tui.orders.evaluation_line import parsed

        if text is None:
            return
        workspace, request = self.workspace, replace(parsed(text), **self._defaults())

        def act() -> tuple[Submitted, str]:
            modelled, told = with_model_of_scoring(workspace, request)
            return submit(workspace, modelled), told.partition(";")[0]

        def tell(found: tuple[Submitted, str]) -> None:
            submitted, model = found
            images = sum(one.images for one in submitted.sets)
            self.sood.say(f"{submitted.job_id} evaluates {images:,} pictures. {model}".strip())

        self.in_thread("submit", act, tell)

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

    def action_choose(self) -> None:
        """Go to a run."""
        runs = {line.run_id: line for line in self._every_line()}
        choices = [Choice(str(number), f"#{number} {line.title}", line.kind) for number, line in runs.items()]
        self.app.push_screen(ChooseDialog("Evaluation", choices, str(self._at().run_id), "g"), self._go)

    # ---- sweeps ----

    def action_sweep(self) -> None:
        """Show the sweep under the cursor or the one at work; else a preview of one, and the exact one when wanted."""
        from engine.evaluation.again import preview

        line, workspace = self._at(), self.workspace
        if line.kind == "sweep":
            self.app.push_screen(SweepScreen(partial(sight_of_run, workspace, line.run_id)))
            return

        def act() -> str | list[SweepResult]:
            return running_sweep(workspace) or preview(workspace, line.run_id)

        self.sood.say(f"Sweeping evaluation {line.run_id} over a sample …")
        self.in_thread_to_open("sweep", act, partial(self._show_sweep, line))

    def _show_sweep(self, line: RunLine, found: str | list[SweepResult]) -> None:
        if isinstance(found, str):
            self._follow(found)
            return
        sight = sight_of_preview(f"Sweep of evaluation {line.run_id}", found)

        def look() -> SweepSight:
            return sight

        self.app.push_screen(SweepScreen(look, can_start=True), partial(self._sweep_exactly, line))

    def _sweep_exactly(self, line: RunLine, yes: bool | None) -> None:
        from engine.evaluation.again import sweep_request
        from engine.evaluation.request import submit

        if not yes:
            return
        settings, workspace = self.sood.settings, self.workspace

        def act() -> Submitted:
            return submit(
                workspace, sweep_request(workspace, line.run_id, settings.reviewer, settings.text("scoring.device"))
            )

        self.in_thread_to_open("submit", act, lambda submitted: self._follow(submitted.job_id))

    def _follow(self, job_id: str) -> None:
        """Look on while a sweep is at work; its rows come as they are made."""
        self.app.push_screen(SweepScreen(partial(sight_of_job, self.workspace, job_id)), lambda _: self.reload())

    # ---- comparisons ----

    def _compare(self, first: RunLine, second: RunLine) -> None:
        from engine.evaluation.reports.comparing import compare

        act = partial(compare, self.workspace, (first.run_id, first.method), (second.run_id, second.method))
        self.in_thread_to_open("compare", act, self._show_comparison)

    def _show_comparison(self, found: list[Comparison]) -> None:
        self.app.push_screen(ComparisonScreen(found))

    # ---- negative labels ----

    def action_hurt(self) -> None:
        """Show the recall of every ID class; words that hurt one are dropped there, and the run is scored again."""
        from engine.evaluation.reports.mistakes import hurt_classes

        line = self._at()
        act = partial(hurt_classes, self.workspace, line.run_id, line.method, line.part, with_others=True)
        self.in_thread_to_open("hurt", act, partial(self._show_recall, line))

    def _show_recall(self, line: RunLine, found: Sequence[HurtClass]) -> None:
        title = f"Recall of ID classes · #{line.run_id} {line.method} against {line.part}"
        self.app.push_screen(RecallScreen(plain(title), found), partial(self._drop, line))

    def _drop(self, line: RunLine, words: Dropped | None) -> None:
        from engine.evaluation.again import negatives_of_run, request_of_run, with_negatives
        from engine.evaluation.request import submit
        from engine.evaluation.words.negatives import edit

        if not words:
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

        def tell(submitted: Submitted) -> None:
            self.sood.say(f"{submitted.job_id} scores without {', '.join(words)}.")

        self.in_thread("submit", act, tell)

    # ---- exports ----

    def action_export(self) -> None:
        """Ask for the folder, then write tables, scores and plots there."""
        line = self._at()
        suggested = str(self.workspace.exports / f"evaluation-{line.run_id}")
        asked = "Tables, scores in OpenOOD's layout, plots and the record. The folder:"
        self.app.push_screen(AskDialog("Export", asked, suggested), partial(self._export, line))

    def _export(self, line: RunLine, folder: str | None) -> None:
        from engine.evaluation.reports.exporting import export

        if folder:
            act = partial(export, self.workspace, line.run_id, Path(folder).expanduser())
            self.in_thread("export", act, lambda found: self.sood.say(f"{len(found.files)} files in {found.folder}."))
