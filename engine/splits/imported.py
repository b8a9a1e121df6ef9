"""Statistics that an import brought: they stand for the scores of subclasses whose similarities nobody has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.splits.formulas import Flags
from engine.splits.settings import SplitSettings
from store import reference as store
from store.connection import Cursor
from store.splits.similarities import Pair, Similarities


@dataclass(frozen=True, slots=True)
class Imported:
    """What stands in for scores.

    Attributes:
        statistics: place of the pair -> mean and standard deviation of its normalised scores, outliers counted in.
        rows: place, image_id and is_outlier of the pictures of these pairs, sorted so.
    """

    statistics: Mapping[int, tuple[float, float | None]]
    rows: pa.Table

    def outliers_of(self, place: int, settings: SplitSettings) -> Flags:
        """Which pictures of a pair the import calls outliers; none where the rule is off.

        Without scores other fences cannot be drawn: tails and factor are those of the import.
        """
        mine = self.rows.filter(pc.equal(self.rows["place"], place))
        flags = np.asarray(mine["is_outlier"].to_numpy(zero_copy_only=False), np.bool_)
        return flags & (settings.outlier_tails != "none")


def read_imported(cursor: Cursor, pairs: Sequence[Pair], found: Similarities) -> Imported:
    """What stands in for scores of the pairs that have none.

    Args:
        cursor: for reading.
        pairs: of the split.
        found: the similarities that are there.
    """
    scored = set(np.unique(found.place).tolist())
    bare = {place: pair for place, pair in enumerate(pairs) if place not in scored and pair.run_id >= 0}
    statistics: dict[int, tuple[float, float | None]] = {}
    for run_id in {pair.run_id for pair in bare.values()}:
        known = {(one.superclass, one.wnid): one for one in store.fetch_subclasses(cursor, run_id)}
        for place, pair in bare.items():
            one = known.get((pair.superclass, pair.wnid))
            if pair.run_id == run_id and one is not None and one.mean is not None:
                statistics[place] = (one.mean, one.standard_deviation)
    places = sorted(statistics)
    table = pa.table(
        {
            "place": pa.array(places, pa.int64()),
            "superclass": pa.array([pairs[place].superclass for place in places], pa.string()),
            "wnid": pa.array([pairs[place].wnid for place in places], pa.string()),
            "run_id": pa.array([pairs[place].run_id for place in places], pa.int32()),
        }
    )
    rows = store.fetch_imported_pictures(cursor, table) if places else table.select(["place"])
    return Imported(statistics, rows)
