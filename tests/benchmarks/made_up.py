"""A made-up catalogue of the published size for benchmarks: 56 superclasses, 1,400 subclasses, 1.6 million pictures."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.workspace import Workspace
from store.connection import open_store

SUPERCLASSES, SUBCLASSES = 56, 25
ROOT = "imagenet21k_train"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)

_FILL = (
    "INSERT INTO synset SELECT wnid, 'n', 'sub_' || place || '.n.01', '', 'noun.animal', 0, 5 FROM subclass",
    "INSERT INTO lemma SELECT wnid, 0, 'subclass_' || place, 0 FROM subclass",
    """INSERT INTO synset_card
        SELECT wnid, 'sub_' || place || '.n.01', 0, ['subclass_' || place], [wnid], '|subclass_' || place || '|', ''
        FROM subclass""",
    "INSERT INTO superclass SELECT DISTINCT superclass, NULL, $at FROM subclass",
    "INSERT INTO superclass_root SELECT superclass, min(wnid), 0 FROM subclass GROUP BY superclass",
    "INSERT INTO candidate SELECT superclass, wnid, 'hyponym', 1, NULL, $at FROM subclass",
    """INSERT INTO decision (event_id, step_id, superclass, wnid, kind, reviewer, "at")
        SELECT uuidv7(), uuidv7(), superclass, wnid, 'accept', 'x', $at FROM subclass""",
    f"""INSERT INTO image_root (root_id, name, path, layout, added_at, scanned_at)
        VALUES (1, '{ROOT}', '/data', 'wnid', $at, $at)""",
    """INSERT INTO image
        SELECT row_number() OVER (ORDER BY wnid, path), 1, wnid, path
        FROM (
            SELECT wnid, wnid || '/' || wnid || '_' || number || '.JPEG' AS path
            FROM picture
            JOIN subclass USING (place)
        )
        ORDER BY wnid, path""",
    "INSERT INTO embedding_set VALUES (1, 'made-up', 'made-up', NULL, 'ab', 2, $at)",
    "INSERT INTO score_run VALUES (1, 1, '{}', false, '0001-scoring', $at)",
    "INSERT INTO score_run_superclass SELECT DISTINCT 1, superclass, superclass, [1.0] FROM subclass",
    """INSERT INTO similarity
        SELECT 1, superclass, wnid, image_id, similarity
        FROM image
        JOIN subclass USING (wnid)
        JOIN score ON score.position = image.image_id
        ORDER BY superclass, wnid, image_id""",
)


def made_up_workspace(folder: Path, pictures: int, seed: int = 0) -> Workspace:
    """A workspace in a folder, its catalogue open, with everything accepted and scored."""
    draw = np.random.default_rng(seed)
    count = SUPERCLASSES * SUBCLASSES
    sizes = draw.integers(pictures // count // 2, pictures // count * 3 // 2 + 1, count)
    place = np.repeat(np.arange(count), sizes)
    number = np.concatenate([np.arange(size) for size in sizes])
    spread = 0.2 + 0.05 * draw.random(count)[place] + 0.02 * draw.standard_normal(len(place))
    tables = {
        "subclass": pa.table(
            {
                "place": np.arange(count),
                "wnid": [f"n{10_000_000 + 1013 * one}" for one in range(count)],
                "superclass": [f"class_{one // SUBCLASSES:02d}" for one in range(count)],
            }
        ),
        "picture": pa.table({"place": place, "number": number}),
        "score": pa.table({"position": np.arange(1, len(place) + 1), "similarity": spread.astype(np.float32)}),
    }
    store = open_store(folder / "catalogue.duckdb")
    with store.writing() as cursor:
        for name, table in tables.items():
            cursor.register(name, table)
        for statement in _FILL:
            cursor.execute(statement, {"at": WHEN} if "$at" in statement else None)
    workspace = Workspace(folder, store)
    workspace.settings_file.touch()
    return workspace
