"""The split under the fingers: thresholds that move at once, and are written down when they rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.splits.crowding import Crowding, check
from engine.splits.measure import Measured
from engine.splits.prepare import prepare_with_pictures
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.settings import MAIN, Change, SplitSettings
from engine.splits.show import SubclassCut, SuperclassCut, subclass_cuts, superclass_cuts, total_cut
from engine.workspace import Workspace
from sood_tui.settings import Settings
from sood_tui.widgets.score_histogram import Floats

LEAST, MOST = 1.0, 99.0


@dataclass(slots=True)
class ThresholdBench:
    """A prepared split, the superclass that is looked at, and percentiles that may not be written down yet.

    crowding is of the thresholds that are written down; None where the split names no source of labels.
    """

    prepared: PreparedSplit
    measured: Measured
    superclass: str
    chosen: int = 0
    alone: bool = False
    crowding: Crowding | None = None
    _moved: tuple[float, ...] | None = None
    _tuned: Tuned = field(init=False)

    def __post_init__(self) -> None:
        if self.superclass not in self.prepared.superclasses:
            self.superclass = self.prepared.superclasses[0]
        self.alone = self.superclass in self.prepared.settings.superclass_percentiles
        self._retune()

    @property
    def index(self) -> int:
        """The place of the superclass."""
        return self.prepared.superclasses.index(self.superclass)

    @property
    def tuned(self) -> Tuned:
        """The cut at the present percentiles."""
        return self._tuned

    @property
    def percentiles(self) -> tuple[float, ...]:
        """The present percentiles of the superclass, ascending."""
        return self._moved or self.prepared.settings.percentiles_of(self.superclass)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Where they cut the scores of the superclass, in [0, 1]."""
        return tuple(self._tuned.thresholds[self.index].tolist())

    @property
    def is_moved(self) -> bool:
        """Whether something is not written down yet."""
        return self._moved is not None

    def move(self, which: int, percentile: float) -> None:
        """Move one threshold; its neighbours stay and stop it half a percent before them."""
        values = list(self.percentiles)
        low = values[which - 1] + 0.5 if which else LEAST
        high = values[which + 1] - 0.5 if which + 1 < len(values) else MOST
        values[which] = round(max(low, min(percentile, high)) * 2) / 2
        self._moved = tuple(values)
        self._retune()

    def percentile_at(self, score: float) -> float:
        """The percentile whose threshold lies at a score: the share of pictures in subclasses with a lower mean."""
        rows = [row for row in self.prepared.subclasses if row.superclass == self.superclass]
        below = sum(row.kept for row in rows if row.mean < score)
        return 100 * below / max(sum(row.kept for row in rows), 1)

    def change(self) -> Change:
        """What is to be written down."""
        return Change("percentiles", self.percentiles, self.superclass if self.alone else None)

    def settle(self, settings: SplitSettings) -> None:
        """These settings hold now."""
        self.prepared = replace(self.prepared, settings=settings)
        self._moved = None
        self.chosen = min(self.chosen, len(settings.percentiles) - 1)
        self.alone = self.superclass in settings.superclass_percentiles
        self._retune()

    def go(self, superclass: str) -> None:
        """Look at another superclass."""
        self.superclass = superclass
        self.alone = superclass in self.prepared.settings.superclass_percentiles
        self._retune()

    def scores(self) -> tuple[Floats, Floats]:
        """Scores of the pictures of the superclass that are no outliers, and the means of its subclasses."""
        pictures = self.measured.pictures
        places = [place for place, pair in enumerate(self.measured.pairs) if pair.superclass == self.superclass]
        kept = np.isin(pictures.place, places) & pictures.is_kept
        means = [row.mean for row in self.prepared.subclasses if row.superclass == self.superclass]
        return pictures.normalised[kept], np.array(means, np.float64)

    def subclasses(self) -> list[SubclassCut]:
        """The subclasses of the superclass, hardest first."""
        return subclass_cuts(self.prepared, self._tuned, self.superclass)

    def cuts(self) -> tuple[SuperclassCut, SuperclassCut]:
        """Counts and shares of the superclass, and of all together."""
        return superclass_cuts(self.prepared, self._tuned)[self.index], total_cut(self.prepared, self._tuned)

    def label_lines(self) -> tuple[list[str], list[str]]:
        """How crowded the bands of the superclass are, a line each, and what a person should know."""
        if self.crowding is None:
            return [], []
        lines = [f"labels by {self.crowding.source}" + (", before this move" if self.is_moved else "")]
        for row in self.crowding.bands:
            if row.superclass == self.superclass and row.multi_label_share is not None:
                told = f"{row.split:<6} several {row.multi_label_share:4.0%}  mean k {row.mean_labels:.2f}"
                if row.accuracy is not None:
                    equal = row.accuracy_at_equal_labels
                    told += f"  ReaL {row.accuracy:.0%}" + ("" if equal is None else f", at equal k {equal:.0%}")
                lines.append(told)
        if self.prepared.settings.match_labels == "none":
            left = [row for row in self.crowding.matching if row.superclass == self.superclass]
            lines.append("matched: " + ", ".join(f"{row.split} {row.pictures_matched:,}" for row in left))
        return lines, list(self.crowding.warnings)

    def neighbours(self, which: int) -> tuple[SubclassCut | None, SubclassCut | None]:
        """The subclasses just below and just above a threshold."""
        rows, threshold = self.subclasses(), self.thresholds[which]
        below = [row for row in rows if row.mean < threshold]
        above = [row for row in rows if row.mean >= threshold]
        return below[-1] if below else None, above[0] if above else None

    def _retune(self) -> None:
        self._tuned = self.prepared.retune(self._moved, self.superclass if self.alone else None)


def read_bench(workspace: Workspace, defaults: SplitSettings, superclass: str, split: str = MAIN) -> ThresholdBench:
    """Prepare a split.

    Raises: EngineError when nothing was scored or accepted yet.
    """
    with workspace.opened().reading() as cursor:
        prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults)
    return ThresholdBench(prepared, measured, superclass)


def read_crowding(workspace: Workspace, bench: ThresholdBench) -> Crowding | None:
    """How crowded the bands are at the thresholds that are written down; None without a source of labels."""
    if bench.prepared.settings.label_source is None:
        return None
    with workspace.opened().reading() as cursor:
        return check(cursor, bench.prepared, bench.measured)


def split_defaults(settings: Settings, seed: int) -> SplitSettings:
    """What a new split starts from."""
    return SplitSettings(percentiles=(settings.number("splits.hard"), settings.number("splits.easy")), seed=seed)


def threshold_names(bands: Sequence[str]) -> tuple[str, ...]:
    """What each threshold is called: the name of the band below it."""
    return tuple(name.replace("band_", "band ").capitalize() for name in bands[:-1])
