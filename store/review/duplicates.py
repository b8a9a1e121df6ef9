"""Statements on pictures of accepted candidates that may be the same picture."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class RivalPicture:
    """A picture with what a rule may keep it for.

    Attributes:
        folder, path: where it lies, both as text; root is the name of the folder.
        depth: least number of steps from a superclass that accepted its synset down to the synset.
        similarity: highest cosine in [-1, 1] with a superclass in the run; None where it was not scored.
    """

    image_id: int
    root: str
    folder: str
    path: str
    wnid: str
    depth: int | None
    similarity: float | None

    @property
    def name(self) -> str:
        """ROOT/PATH, as exports name it."""
        return f"{self.root}/{self.path}"


def fetch_rivals(cursor: Cursor, image_ids: npt.NDArray[np.int64], run_id: int | None) -> list[RivalPicture]:
    """What rules go by, of those of the pictures that are there, by image_id.

    Args:
        cursor: for reading.
        image_ids: which ones.
        run_id: the scoring run; None: no similarities.
    """
    rows = cursor.execute(
        """
        WITH asked AS (
            SELECT unnest($image_ids::BIGINT[]) AS image_id
        ),
        scored AS (
            SELECT image_id, max(similarity) AS similarity
            FROM similarity
            WHERE run_id = $run_id AND image_id IN (SELECT image_id FROM asked)
            GROUP BY image_id
        ),
        claimed AS (
            SELECT wnid, min(depth) AS depth
            FROM candidate_state
            WHERE state = 'accept'
            GROUP BY wnid
        )
        SELECT
            image.image_id, image_root.name, image_root.path, image.path, image.wnid, claimed.depth, scored.similarity
        FROM asked
        JOIN image USING (image_id)
        JOIN image_root USING (root_id)
        LEFT JOIN claimed ON claimed.wnid = image.wnid
        LEFT JOIN scored ON scored.image_id = image.image_id
        ORDER BY image.image_id
        """,
        {"image_ids": image_ids.tolist(), "run_id": run_id},
    ).fetchall()
    return [RivalPicture(*row) for row in rows]
