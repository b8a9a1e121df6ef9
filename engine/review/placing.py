"""Why a subclass, or one of its pictures, stands where it stands in a split: every number on the way, and the rule."""

from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.scoring.formulas import SMALLEST_JUDGED, Outliers, iqr_outliers
from engine.splits.after import leave_out
from engine.splits.measure import EXCLUSIONS, Measured
from engine.splits.prepare import prepare_with_pictures
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.settings import MAIN, SplitSettings
from engine.workspace import Workspace
from store.splits.similarities import Label


@dataclass(frozen=True, slots=True)
class SubclassPlace:
    """An accepted subclass in a split.

    Attributes:
        band: hard, easy, train ..., or None where a rule left it out.
        rule: the sentence that placed it.
        mean: of its normalised scores, in [0, 1]; None where nothing was scored.
        pictures: scored ones; kept of them take part.
        percentiles: where its pictures lie among those of the superclass, from and to, in percent; None if left out.
        thresholds: (band below, mean from which the band above begins), hardest first.
    """

    split: str
    run_id: int
    superclass: str
    wnid: str
    lemma: str
    band: str | None
    rule: str
    mean: float | None
    standard_deviation: float | None
    pictures: int
    kept: int
    percentiles: tuple[float, float] | None
    thresholds: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """A picture of an accepted subclass in a split.

    Attributes:
        similarity: cosine in [-1, 1], as the model gave it.
        score: normalised over the superclass, in [0, 1].
        percentile: share of the superclass's scored pictures with a lower score, in percent.
        quartiles: lower and upper of its subclass. fences: beyond them a picture is an outlier.
        is_judged: whether its subclass has enough pictures for outliers to be sought.
        exclusion: why it is left out although it is typical; None where it is not.
        band: the list it stands in; None for none. rule: the sentence that says why.
    """

    subclass: SubclassPlace
    image_id: int
    similarity: float | None
    score: float | None
    percentile: float | None
    quartiles: tuple[float, float] | None
    fences: tuple[float, float] | None
    is_judged: bool
    is_outlier: bool
    exclusion: str | None
    band: str | None
    rule: str


class Placing:
    """A split that was prepared once, for any number of questions about its subclasses and pictures."""

    def __init__(self, prepared: PreparedSplit, measured: Measured, tuned: Tuned) -> None:
        self._prepared, self._measured, self._tuned = prepared, measured, tuned
        self._pairs = {(pair.superclass, pair.wnid): place for place, pair in enumerate(measured.pairs)}
        self._rows = {(row.superclass, row.wnid): place for place, row in enumerate(prepared.subclasses)}
        self._removed = {(one.superclass, one.wnid): one for one in prepared.removed}

    @classmethod
    def read(cls, workspace: Workspace, split: str = MAIN, defaults: SplitSettings | None = None) -> "Placing":
        """Prepare a split and what its pictures scored.

        Raises: EngineError if nothing was scored or accepted yet, or there is no such split.
        """
        with workspace.opened().reading() as cursor:
            prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults)
            tuned = prepared.retune()
            return cls(prepared, leave_out(cursor, prepared, tuned, measured), tuned)

    def subclass(self, superclass: str, wnid: str) -> SubclassPlace:
        """Where a subclass stands.

        Raises: EngineError if it is not accepted under the superclass.
        """
        pair = self._pairs.get((superclass, wnid))
        if pair is None:
            raise EngineError(f"{wnid} is not accepted under {superclass}: it stands in no list.")
        found = self._measured.measures[pair]
        band, rule = self._rule(superclass, wnid)
        return SubclassPlace(
            split=self._prepared.split,
            run_id=self._prepared.run.run_id,
            superclass=superclass,
            wnid=wnid,
            lemma=self._label(wnid).lemma,
            band=band,
            rule=rule,
            mean=None if found is None else found.mean,
            standard_deviation=None if found is None else found.standard_deviation,
            pictures=0 if found is None else found.pictures,
            kept=0 if found is None else found.kept,
            percentiles=self._percentiles(superclass, wnid),
            thresholds=self._thresholds(superclass),
        )

    def picture(self, superclass: str, wnid: str, image_id: int) -> PicturePlace:
        """Where a picture of an accepted subclass stands.

        Raises: EngineError if the subclass is not accepted under the superclass.
        """
        place = self.subclass(superclass, wnid)
        pictures = self._measured.pictures
        own = pictures.place == self._pairs[superclass, wnid]
        at = np.flatnonzero(own & (pictures.image_id == image_id))
        if not len(at):
            rule = "It has no score in this run: it came later, could not be read, or was marked as bad."
            return PicturePlace(place, image_id, None, None, None, None, None, False, False, None, None, rule)
        row = int(at[0])
        code = int(pictures.exclusion[row])
        outliers, is_judged = self._outliers(pictures.normalised[own])
        is_outlier, exclusion = bool(pictures.is_outlier[row]), EXCLUSIONS[code - 1] if code else None
        score = float(pictures.normalised[row])
        return PicturePlace(
            subclass=place,
            image_id=image_id,
            similarity=float(pictures.similarity[row]),
            score=score,
            percentile=self._share_below(superclass, score),
            quartiles=(outliers.lower_quartile, outliers.upper_quartile),
            fences=(outliers.lower_fence, outliers.upper_fence),
            is_judged=is_judged,
            is_outlier=is_outlier,
            exclusion=exclusion,
            band=None if is_outlier or exclusion else place.band,
            rule=_picture_rule(place, is_outlier, exclusion),
        )

    def _rule(self, superclass: str, wnid: str) -> tuple[str | None, str]:
        row = self._rows.get((superclass, wnid))
        if row is None:
            removed = self._removed.get((superclass, wnid))
            return (
                None,
                f"Left out by {removed.rule}: {removed.reason}." if removed else "None of its pictures has a score.",
            )
        tuned, prepared = self._tuned, self._prepared
        band = tuned.bands[int(tuned.band[row])]
        index = prepared.superclasses.index(superclass)
        if prepared.is_placed[row]:
            return band, f"A person put it into {band}."
        mean, cuts = prepared.subclasses[row].mean, self._thresholds(superclass)
        above = [f"at or above {value:.4f}" for _, value in cuts if mean >= value]
        below = [f"below {value:.4f}" for _, value in cuts if mean < value]
        sides = above[-1:] + below[:1]
        remedy = f" ({prepared.settings.remedy_of(superclass)} thresholds)" if tuned.is_remedied[index] else ""
        return band, f"Its mean {mean:.4f} is {' and '.join(sides)}: {band}{remedy}."

    def _thresholds(self, superclass: str) -> tuple[tuple[str, float], ...]:
        if superclass not in self._prepared.superclasses:
            return ()
        values = self._tuned.thresholds[self._prepared.superclasses.index(superclass)].tolist()
        return tuple(zip(self._tuned.bands[:-1], values, strict=True))

    def _percentiles(self, superclass: str, wnid: str) -> tuple[float, float] | None:
        row = self._rows.get((superclass, wnid))
        if row is None:
            return None
        ladder, index = self._prepared.ladder, self._prepared.superclasses.index(superclass)
        before, total = int(ladder.before[index]), int(ladder.total[index])
        reached = int(ladder.reached[row]) - before
        return (reached - int(ladder.pictures[row])) / total * 100, reached / total * 100

    def _share_below(self, superclass: str, score: float) -> float:
        places = [place for (name, _), place in self._pairs.items() if name == superclass]
        scores = self._measured.pictures.normalised[np.isin(self._measured.pictures.place, places)]
        return float((scores < score).mean() * 100)

    def _outliers(self, scores: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[Outliers, bool]:
        settings = self._prepared.settings
        tails = "both" if settings.outlier_tails == "none" else settings.outlier_tails
        is_judged = settings.outlier_tails != "none" and len(scores) >= SMALLEST_JUDGED
        return iqr_outliers(scores, settings.outlier_factor, tails), is_judged

    def _label(self, wnid: str) -> Label:
        return self._prepared.labels[wnid]


def _picture_rule(place: SubclassPlace, is_outlier: bool, exclusion: str | None) -> str:
    if is_outlier:
        return f"It is an outlier of {place.lemma}, and outliers stand in no list."
    if exclusion:
        return f"It is left out: {exclusion.replace('_', ' ')}."
    return place.rule
