"""A sweep as a job does it: variants of the ranking one after the other, each written as soon as it is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.formulas import Array
from engine.evaluation.plan import Plan, read_table, write_table
from engine.evaluation.running import TextEncoder, evenly_mixed, make_banks
from engine.evaluation.sweeps.choosing import choose
from engine.evaluation.sweeps.grid import Grid, SweepResult, check_grid, preview_rows, sweep_results, sweep_scores
from engine.jobs.runner import find_job
from engine.workspace import Workspace
from store.evaluation.runs import SweepRow

SWEEP_FILE = "sweep.parquet"
PREVIEW_FILE = "preview.parquet"
AXES = ("model", "prompt", "corpus", "percentile")


class Progress(Protocol):
    """What a job tells its watchers."""

    def advance(self, units: int = 1, **detail: Any) -> None:
        """Count units and show small values."""
        ...


@dataclass(frozen=True, slots=True)
class Variant:
    """The axes that each need a ranking of their own.

    Attributes:
        model: as the user named it, with its weights.
        prompt: template of ID labels and nouns.
        corpus: where the words come from, or the name of the negative labels that are used again.
        percentile: of the ranking; None where words are given in their order.
    """

    model: str
    prompt: str
    corpus: str
    percentile: float | None

    @property
    def name(self) -> str:
        """In one line."""
        ranked = "" if self.percentile is None else f", percentile {self.percentile:g}"
        return f"{self.model or 'embeddings from files'}, {self.prompt}, {self.corpus}{ranked}"


@dataclass(frozen=True)
class Ranked:
    """A variant with its texts: the ID labels, and the negative labels by rank with parts of speech evenly mixed."""

    variant: Variant
    labels: Array
    negatives: Array


@dataclass
class Sweep:
    """A sweep in progress: the rows that are there, and the best setting so far.

    Args:
        folder: of the run.
        plan: with a sweep.
        words: of each corpus, in the order of the axis.
        progress: is told of each variant.
    """

    folder: Path
    plan: Plan
    words: Sequence[pa.Table]
    progress: Progress

    def __post_init__(self) -> None:
        assert self.plan.sweep is not None
        self.swept = self.plan.sweep
        self.grid = Grid(self.swept.counts, self.swept.groups, self.swept.temperatures)
        self._previews: list[_Row] = []
        self._exact: list[_Row] = []
        self._best: tuple[tuple[float, int, int], list[_Row]] | None = None
        self.sampled: dict[str, int] = {}

    def of_model(
        self,
        number: int,
        images: Sequence[Array],
        encoder: TextEncoder,
        id_labels: Sequence[int | None],
        to_device: Callable[[Array], Array],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """All variants of one model: previews on a sample as their texts are ready, then all pictures.

        Args:
            number: of the model among those of the plan.
            images: embeddings of each set, the ID set first; the same pictures for every model.
            encoder: of the model.
            id_labels: label index of each ID picture.
            to_device: moves arrays to where they are computed.
            check: lets the user cancel in between.
        """
        rows = preview_rows({str(position): len(part) for position, part in enumerate(images)}, self.plan.seed)
        self.sampled = {name: len(found) for name, found in rows.items()}
        sample = [np.asarray(part[:])[rows[str(position)]] for position, part in enumerate(images)]
        ranked = []
        for one in self._ranked(number, encoder, images, id_labels, check):
            ranked.append(one)
            for found in self._scored(one, self._scores(one, sample, to_device, check)):
                self._previews += found
            self._write(PREVIEW_FILE, self._previews, f"preview {one.variant.name}")
        for place, one in enumerate(ranked):
            scores = self._scores(one, images, to_device, check)
            for found in self._scored(one, scores):
                self._exact += found
                self._write(SWEEP_FILE, self._exact, f"exact {one.variant.name}")
                check()
            self._choose(one, scores, (number, place))

    def finish(self) -> None:
        """Write the best setting over all axes, as it does on the halves that did not choose it.

        Raises: EngineError when there is no result.
        """
        if self._best is None:
            raise EngineError("The sweep has no result.", "Give it an OOD set.")
        self._write(SWEEP_FILE, [*self._best[1], *self._exact], "chosen")

    def _ranked(
        self,
        number: int,
        encoder: TextEncoder,
        images: Sequence[Array],
        id_labels: Sequence[int | None],
        check: Callable[[], None],
    ) -> Iterator[Ranked]:
        """The rankings of one model: a prompt, a corpus, a percentile after the other; each text is embedded once."""
        model = model_name(self.plan, number)
        prompts = self.swept.prompts or (self.plan.recipes["plain"]["label"][0],)
        for prompt in prompts:
            recipe = self.plan.recipes["plain"]
            if self.swept.prompts:
                recipe = {**recipe, "label": [prompt], "noun": [prompt]}
            for table, source in zip(self.words, self.plan.corpora, strict=True):
                for percentile in self.swept.percentiles:
                    wanted = source
                    if not source.given:
                        wanted = replace(source, percentile=percentile, count=max(self.grid.counts))
                    narrowed = replace(self.plan, recipes={"plain": recipe}, negatives={"plain": wanted})
                    found = make_banks(
                        narrowed, {"plain": table}, encoder, images[0], id_labels, check, on_words=self._tell_words
                    )
                    bank = found.banks["plain"]
                    assert bank.negatives is not None
                    order = evenly_mixed(found.mined.get("plain", table)["pos"].to_pylist())
                    check_grid(self.grid, len(order))
                    variant = Variant(
                        model,
                        prompt,
                        source.given or str(source.corpus["source"]),
                        None if source.given else percentile,
                    )
                    yield Ranked(variant, bank.labels, bank.negatives[order])

    def _scores(
        self, ranked: Ranked, images: Sequence[Array], to_device: Callable[[Array], Array], check: Callable[[], None]
    ) -> list[NDArray[np.float32]]:
        """Of each set float32 [settings, n], in the order of the grid's points."""
        labels, negatives = to_device(ranked.labels), to_device(ranked.negatives)

        def tell(rows: int) -> None:
            self.progress.advance(0, stage=ranked.variant.name)
            check()

        return [sweep_scores(part, labels, negatives, self.grid, self.plan.seed, to_device, tell) for part in images]

    def _scored(self, ranked: Ranked, scores: Sequence[NDArray[np.float32]]) -> Iterator[list["_Row"]]:
        """Rows of a variant, those of one temperature at a time."""
        points, seed = self.grid.points(), self.plan.seed
        step = len(points) // len(self.grid.temperatures)
        for start in range(0, len(points), step):
            part = slice(start, start + step)
            found = sweep_results(points[part], scores[0][part], self._of_ood([one[part] for one in scores]), seed)
            yield [_Row(ranked.variant, False, row) for row in found]

    def _choose(self, ranked: Ranked, scores: Sequence[NDArray[np.float32]], place: tuple[int, int]) -> None:
        best = choose(self.grid.points(), scores[0], self._of_ood(scores), self.plan.seed)
        # Of equals the first of the axes wins, in whatever order the models were loaded.
        key = best.validation_auroc, -place[0], -place[1]
        if self._best is None or key > self._best[0]:
            self._best = key, [_Row(ranked.variant, True, row) for row in best.report]

    def _of_ood(self, scores: Sequence[NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        return {part.name: scores[place] for place, part in enumerate(self.plan.sets) if place and part.role == "ood"}

    def _tell_words(self, done: int, total: int) -> None:
        self.progress.advance(0, stage="words", words=f"{done:,} of {total:,}")

    def _write(self, name: str, rows: Sequence["_Row"], stage: str) -> None:
        write_table(self.folder, name, _table(rows))
        self.progress.advance(0, stage=stage, rows=len(rows))


@dataclass(frozen=True, slots=True)
class _Row:
    variant: Variant
    is_chosen: bool
    result: SweepResult


def _table(rows: Sequence[_Row]) -> pa.Table:
    listed = []
    for row in rows:
        values = asdict(row.result)
        values["negatives"], values["part"] = values.pop("count"), values.pop("ood")
        axes = {name: getattr(row.variant, name) for name in AXES}
        listed.append({"variant": row.variant.name, **axes, **values, "is_chosen": row.is_chosen})
    table = pa.Table.from_pylist(listed)
    place = table.schema.get_field_index("percentile")
    return table.set_column(place, "percentile", table["percentile"].cast(pa.float64()))


def model_name(plan: Plan, number: int) -> str:
    """A model of the plan with its weights, as one word; empty where embeddings are given."""
    if number >= len(plan.models):
        return ""
    model, pretrained = plan.models[number]
    return f"{model},{pretrained}" if pretrained else model


@dataclass(frozen=True, slots=True)
class Arriving:
    """What there is of a sweep whose job is still at work; the run of its rows is 0.

    Attributes:
        preview: on a sample of the pictures.
        exact: on all pictures.
        expected: how many rows each of them will have.
    """

    preview: tuple[SweepRow, ...]
    exact: tuple[SweepRow, ...]
    expected: int


def arriving(workspace: Workspace, job_id: str) -> Arriving:
    """The rows that a sweep's job has written so far; they are read from its folder, not from the catalogue.

    Raises: EngineError when the job is no sweep.
    """
    spec = find_job(workspace.root, job_id).spec()
    folder = workspace.root / str(spec.settings.get("folder", ""))
    plan = Plan.read(folder) if spec.kind == "evaluation" else None
    if plan is None or plan.sweep is None:
        raise EngineError(f"{job_id} is no sweep.", "`sood-tui jobs list` shows what it is.")
    swept = plan.sweep
    variants = len(plan.models or ("",)) * len(swept.prompts or ("",)) * len(plan.corpora) * len(swept.percentiles)
    settings = len(Grid(swept.counts, swept.groups, swept.temperatures).points())
    return Arriving(
        _rows(folder / PREVIEW_FILE),
        _rows(folder / SWEEP_FILE),
        variants * settings * sum(part.role == "ood" for part in plan.sets),
    )


def _rows(file: Path) -> tuple[SweepRow, ...]:
    if not file.exists():
        return ()
    return tuple(SweepRow(run_id=0, **row) for row in read_table(file.parent, file.name).to_pylist())
