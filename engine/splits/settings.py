"""The settings of a split, and the log of changes they are folded from."""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, cast
from uuid import UUID

from engine.errors import EngineError
from engine.labels.flags import FLAGS
from store.splits.settings import SettingEvent

Remedy = Literal["keep", "greedy", "unweighted"]
Tails = Literal["both", "low", "none"]
MeanOver = Literal["all", "kept"]
EqualiseBy = Literal["none", "subclasses", "pictures"]
MatchLabels = Literal["none", "tests", "all"]

EASY, HARD = 40.0, 20.0
MOST_BITS = 3
_BAND = re.compile(r"band_[1-9][0-9]*")
OUT = "out"
"""Where a subclass is placed that takes no part."""
MAIN = "main"
"""The split that is meant where none is named."""


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """Everything that decides where a subclass goes, apart from the scores themselves.

    percentiles ascend; a subclass whose mean reaches none of them is in the hardest band, one that reaches all is
    train. superclass_percentiles and superclass_remedy hold what single superclasses have of their own. A remedy acts
    only where the percentile rule leaves a band empty. outlier_tails none keeps every picture; mean_over says whether
    the subclass mean is over all its pictures (as the reference does) or over those that are kept. run_id None is the
    run that the split was made on. label_source is the truth that tells how many valid labels a picture has; pictures
    with one of excluded_flags are left out, other flags are only reported; match_labels draws pictures so that the test
    bands, or all, have the same shares of pictures with k labels. label_predictions is the classifier whose accuracy is
    reported beside. exclude_relatives leaves training subclasses out that lie above or below a subclass of a test list;
    near_duplicates, a distance in bits, leaves pictures out that have a near-copy in a harder band. superclass_placed
    puts single subclasses, by wnid, into a band whatever their mean, or OUT of the split.
    """

    percentiles: tuple[float, ...] = (HARD, EASY)
    remedy: Remedy = "keep"
    outlier_tails: Tails = "both"
    outlier_factor: float = 1.5
    mean_over: MeanOver = "all"
    minimum_subclasses: int = 1
    equalise_by: EqualiseBy = "none"
    equalise_factor: float = 4.0
    seed: int = 0
    run_id: int | None = None
    label_source: str | None = None
    excluded_flags: tuple[str, ...] = ()
    match_labels: MatchLabels = "none"
    label_predictions: str | None = None
    exclude_relatives: bool = False
    near_duplicates: int | None = None
    superclass_percentiles: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    superclass_remedy: Mapping[str, Remedy] = field(default_factory=dict)
    superclass_placed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def percentiles_of(self, superclass: str) -> tuple[float, ...]:
        """The percentiles that hold for a superclass."""
        return self.superclass_percentiles.get(superclass, self.percentiles)

    def remedy_of(self, superclass: str) -> Remedy:
        """The remedy that holds for a superclass."""
        return self.superclass_remedy.get(superclass, self.remedy)

    @property
    def bands(self) -> tuple[str, ...]:
        """The names of the bands, hardest first."""
        return band_names(len(self.percentiles))


OWN = ("percentiles", "remedy", "placed")
"""Settings that single superclasses can have of their own."""


@dataclass(frozen=True, slots=True)
class Change:
    """A new value for a setting; superclass None is for all, value None takes an own value of a superclass away."""

    key: str
    value: Any
    superclass: str | None = None


def band_names(percentiles: int) -> tuple[str, ...]:
    """Names of the bands between so many percentiles, hardest first; band_1 is the one next to train."""
    if percentiles == 2:
        return ("hard", "easy", "train")
    return (*(f"band_{number}" for number in range(percentiles, 0, -1)), "train")


def check_percentiles(values: Sequence[float]) -> tuple[float, ...]:
    """The percentiles as they are stored.

    Raises: EngineError unless they ascend strictly within (0, 100).
    """
    numbers = tuple(float(value) for value in values)
    if not numbers:
        raise EngineError("A split needs at least one percentile.", "Example: --bands 20,40")
    outside = [number for number in numbers if not 0 < number < 100]
    if outside:
        raise EngineError(
            f"{outside[0]:g} is no percentile that can divide pictures: it must lie between 0 and 100, both excluded."
        )
    if any(after <= before for before, after in pairwise(numbers)):
        if len(numbers) == 2:
            raise EngineError(
                f"Hard ({numbers[0]:g}) must lie below Easy ({numbers[1]:g}).",
                "Hard takes the pictures below its percentile, Easy those from there up to its own.",
            )
        raise EngineError(f"The percentiles {', '.join(f'{n:g}' for n in numbers)} do not ascend.")
    return numbers


def fold(events: Sequence[SettingEvent], seed: int) -> SplitSettings:
    """The settings that a log leaves standing.

    Args:
        events: of one split, oldest first.
        seed: what holds until the log says otherwise.
    """
    gone = undone_steps(events)
    values: dict[str, Any] = {"seed": seed}
    own: dict[str, dict[str, Any]] = {key: {} for key in OWN}
    for event in events:
        if event.key in ("undo", "redo") or event.step_id in gone:
            continue
        value = json.loads(event.value)
        if event.key in ("percentiles", "excluded_flags") and value is not None:
            value = tuple(value)
        if event.superclass is None:
            values[event.key] = value
        elif value is None:
            own[event.key].pop(event.superclass, None)
        else:
            own[event.key][event.superclass] = value
    return SplitSettings(
        **values, superclass_percentiles=own["percentiles"], superclass_remedy=own["remedy"],
        superclass_placed=own["placed"],
    )  # fmt: skip


def undone_steps(events: Sequence[SettingEvent]) -> set[UUID]:
    """The steps whose last word is undo."""
    last = {UUID(json.loads(event.value)): event.key for event in events if event.key in ("undo", "redo")}
    return {step for step, key in last.items() if key == "undo"}


def undoable_step(events: Sequence[SettingEvent]) -> UUID | None:
    """The newest step that stands."""
    gone = undone_steps(events)
    standing = [e.step_id for e in events if e.key not in ("undo", "redo") and e.step_id not in gone]
    return standing[-1] if standing else None


def redoable_step(events: Sequence[SettingEvent]) -> UUID | None:
    """The step that was taken back last, unless a setting was changed since."""
    gone = undone_steps(events)
    for event in reversed(events):
        if event.key not in ("undo", "redo"):
            return None
        target = UUID(json.loads(event.value))
        if event.key == "undo" and target in gone:
            return target
    return None


def check_change(change: Change, superclasses: Sequence[str]) -> Change:
    """The change with its value as it is stored.

    Args:
        change: what was asked for.
        superclasses: the names that there are.

    Raises: EngineError if the key, the value or the superclass is not one that can be.
    """
    if change.key not in _CHECKS:
        raise EngineError(f"A split has no setting {change.key}.", f"It has {', '.join(_CHECKS)}.")
    if change.superclass is not None:
        if change.key not in OWN:
            raise EngineError(f"{change.key} is set for all superclasses, not for one.")
        if change.superclass not in superclasses:
            near = difflib.get_close_matches(change.superclass, superclasses, n=3, cutoff=0.5)
            hint = f"Did you mean {', '.join(near)}?" if near else "`sood-tui candidates list` lists them."
            raise EngineError(f"There is no superclass {change.superclass}.", hint)
        if change.value is None:
            return change
    elif change.key == "placed":
        raise EngineError("Subclasses are placed under one superclass.", "Name it: --superclass NAME.")
    return Change(change.key, _CHECKS[change.key](change.key, change.value), change.superclass)


def _percentiles(_: str, value: Any) -> tuple[float, ...]:
    return check_percentiles(cast("Sequence[float]", value))


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def check(key: str, value: Any) -> str:
        if value not in allowed:
            raise EngineError(f"{key} cannot be {value}.", f"It is one of {', '.join(allowed)}.")
        return str(value)

    return check


def _text(key: str, value: Any) -> str | None:
    if value is not None and not str(value).strip():
        raise EngineError(f"{key} needs a name.")
    return None if value is None else str(value)


def _flags(key: str, value: Any) -> tuple[str, ...]:
    unknown = [flag for flag in value if flag not in FLAGS]
    if unknown:
        raise EngineError(f"{unknown[0]!r} is no flag.", f"Flags are {', '.join(FLAGS)}.")
    return tuple(dict.fromkeys(value))


def _yes_or_no(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise EngineError(f"{key} is yes or no, not {value}.")
    return value


def _distance(key: str, value: Any) -> int | None:
    if value is not None and not 0 <= int(value) <= MOST_BITS:
        raise EngineError(f"{key} is a distance from 0 to {MOST_BITS} bits, not {value}.")
    return None if value is None else int(value)


def _placed(key: str, value: Any) -> dict[str, str]:
    known = (OUT, "train", "easy", "hard")
    wrong = [band for band in value.values() if band not in known and not _BAND.fullmatch(band)]
    if wrong:
        raise EngineError(f"{wrong[0]!r} is no band.", f"Bands are train, easy, hard, band_1 ..., or {OUT}.")
    return {str(wnid): str(band) for wnid, band in sorted(value.items())}


def _number(least: float, whole: bool = False, none: bool = False) -> Callable[[str, Any], float | int | None]:
    def check(key: str, value: Any) -> float | int | None:
        if value is None and none:
            return None
        number = int(value) if whole else float(value)
        if not least <= number < float("inf"):
            raise EngineError(f"{key} must be at least {least:g}, not {value}.")
        return number

    return check


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "percentiles": _percentiles,
    "remedy": _one_of("keep", "greedy", "unweighted"),
    "outlier_tails": _one_of("both", "low", "none"),
    "outlier_factor": _number(0.0),
    "mean_over": _one_of("all", "kept"),
    "minimum_subclasses": _number(1, whole=True),
    "equalise_by": _one_of("none", "subclasses", "pictures"),
    "equalise_factor": _number(1.0),
    "seed": _number(0, whole=True),
    "run_id": _number(1, whole=True, none=True),
    "label_source": _text,
    "excluded_flags": _flags,
    "match_labels": _one_of("none", "tests", "all"),
    "label_predictions": _text,
    "exclude_relatives": _yes_or_no,
    "near_duplicates": _distance,
    "placed": _placed,
}
