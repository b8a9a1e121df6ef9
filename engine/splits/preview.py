"""What changed settings would do to a split before they are set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.splits.after import leave_out
from engine.splits.compare import SplitComparison, compare_cuts, places_of
from engine.splits.matching import cut_pictures
from engine.splits.measure import EXCLUSIONS, Measured
from engine.splits.prepare import prepare_claims, read_settings
from engine.splits.prepared import PreparedSplit, Tuned
from engine.splits.rules import Removed
from engine.splits.settings import MAIN, Change, SplitSettings, check_change
from engine.workspace import Workspace
from store.candidates.superclasses import fetch_superclass_names
from store.connection import Cursor
from store.review.queue import accepted


@dataclass(frozen=True, slots=True)
class PictureRule:
    """Pictures that a rule leaves out of one list, now and then."""

    rule: str
    split: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be different.

    Attributes:
        taken_out: subclasses that rules would take out and do not now.
        brought_back: subclasses that rules take out now and would not.
        pictures: of typical pictures left out one by one, where that changes.
        cut: subclasses in other lists.
        pictures_before: in each list.
        pictures_after: in each list.
    """

    split: str
    taken_out: tuple[Removed, ...]
    brought_back: tuple[Removed, ...]
    pictures: tuple[PictureRule, ...]
    cut: SplitComparison
    pictures_before: dict[str, int]
    pictures_after: dict[str, int]


def preview(
    workspace: Workspace, changes: Sequence[Change], split: str = MAIN, defaults: SplitSettings | None = None
) -> Preview:
    """What a change of settings would do; nothing is written.

    Raises: EngineError if a value cannot be.
    """
    with workspace.opened().reading() as cursor:
        made, before = read_settings(cursor, workspace.seed, split, defaults)
        names = fetch_superclass_names(cursor)
        after = with_changes(before, [check_change(change, names) for change in changes])
        claims, run_id = accepted(cursor), made.run_id if made else None
        one, other = (_Cut.of(cursor, split, settings, run_id, claims) for settings in (before, after))
    gone = {(row.superclass, row.wnid) for row in one.prepared.removed}
    then = {(row.superclass, row.wnid) for row in other.prepared.removed}
    return Preview(
        split=split,
        taken_out=tuple(row for row in other.prepared.removed if (row.superclass, row.wnid) not in gone),
        brought_back=tuple(row for row in one.prepared.removed if (row.superclass, row.wnid) not in then),
        pictures=tuple(_picture_rules(one, other)),
        cut=compare_cuts("now", "then", places_of(one.prepared, one.tuned), places_of(other.prepared, other.tuned)),
        pictures_before=one.listed,
        pictures_after=other.listed,
    )


def with_changes(settings: SplitSettings, changes: Sequence[Change]) -> SplitSettings:
    """The settings with changes that were checked."""
    for change in changes:
        if change.superclass is None:
            settings = _replaced(settings, change.key, change.value)
            continue
        name = f"superclass_{change.key}"
        own: dict[str, Any] = dict(getattr(settings, name))
        own.pop(change.superclass, None)
        if change.value is not None:
            own[change.superclass] = change.value
        settings = _replaced(settings, name, own)
    return settings


def _replaced(settings: SplitSettings, name: str, value: Any) -> SplitSettings:
    given: dict[str, Any] = {name: value}
    return replace(settings, **given)


@dataclass(frozen=True, slots=True)
class _Cut:
    prepared: PreparedSplit
    tuned: Tuned
    measured: Measured

    @classmethod
    def of(
        cls, cursor: Cursor, split: str, settings: SplitSettings, run_id: int | None, claims: Sequence[tuple[str, str]]
    ) -> "_Cut":
        prepared, measured = prepare_claims(cursor, split, settings, run_id, claims)
        tuned = prepared.retune()
        return cls(prepared, tuned, leave_out(cursor, prepared, tuned, measured))

    @property
    def listed(self) -> dict[str, int]:
        cut = cut_pictures(self.prepared, self.tuned, self.measured, {})
        counts = np.bincount(cut.band[cut.is_kept], minlength=len(self.tuned.bands))
        return dict(zip(self.tuned.bands, counts.tolist(), strict=True))

    def left_out(self) -> Counter[tuple[str, str]]:
        """Reason and list -> pictures that are typical or outliers, and left out one by one."""
        cut = cut_pictures(self.prepared, self.tuned, self.measured, {})
        pictures = self.measured.pictures
        counts: Counter[tuple[str, str]] = Counter()
        for band, name in enumerate(self.tuned.bands):
            mine = cut.band == band
            counts["outlier", name] = int((mine & pictures.is_outlier).sum())
            for code, reason in enumerate(EXCLUSIONS, start=1):
                counts[reason, name] = int((mine & ~pictures.is_outlier & (pictures.exclusion == code)).sum())
        return counts


def _picture_rules(one: _Cut, other: _Cut) -> list[PictureRule]:
    before, after = one.left_out(), other.left_out()
    keys = sorted(before.keys() | after.keys())
    return [PictureRule(*key, before[key], after[key]) for key in keys if before[key] != after[key]]
