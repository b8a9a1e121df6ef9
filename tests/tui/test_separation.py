"""Splits: the key that cuts the scores of the last evaluation anew."""

import numpy as np
import pyarrow as pa
import pytest

from engine.evaluation.bands import Moved, separation_moved
from engine.evaluation.numbers.metrics import RankedScores
from engine.splits.prepare import prepare
from engine.workspace import Workspace
from store.evaluation import runs as store
from tests.catalogue_rows import pictures_of
from tests.catalogues import WHEN
from tests.tui.birds import BEAGLE, CHIHUAHUA, PAPILLON, PEKINESE, TABBY
from tests.tui.desk_of import keys, opened, press, rest, seen, told

BANDS = {"train": (CHIHUAHUA, PEKINESE), "easy": (BEAGLE, PAPILLON), "far": (TABBY,)}
LEVEL = {CHIHUAHUA: 0.9, PEKINESE: 0.7, BEAGLE: 0.6, PAPILLON: 0.3, TABBY: 0.1}


def evaluate(workspace: Workspace) -> dict[str, np.ndarray]:
    """An evaluation of the split as it stood at other thresholds; the score of a picture is its synset's level."""
    scores: dict[str, np.ndarray] = {}
    with workspace.opened().writing() as cursor:
        run_id = store.insert_evaluation(
            cursor,
            {
                "job_id": "0009-evaluation", "folder": "evaluations/x", "kind": "run", "title": "split main",
                "methods": ["mcm"], "model": "tiny", "model_key": "tiny", "record": "{}", "reviewer": "anna",
                "seconds": 1.0, "created_at": WHEN,
            },
        )  # fmt: skip
        roles = {"train": "id", "easy": "generalisation", "far": "ood"}
        parts, pictures, values = [], [], []
        for number, (band, wnids) in enumerate(BANDS.items()):
            source = "subtree:cat" if band == "far" else f"split:main/{band}"
            images = [image for wnid in wnids for image in pictures_of(cursor, wnid)]
            parts.append(
                {"run_id": run_id, "position": number, "name": band, "role": roles[band], "near_or_far": None,
                 "source": source, "sha256": "", "images": len(images), "unreadable": 0, "relatives": 0, "note": None}
            )  # fmt: skip
            for place, image in enumerate(images):
                pictures.append(
                    {"run_id": run_id, "part": number, "position": place, "image_id": image.image_id,
                     "path": image.path, "wnid": image.wnid, "superclass": None if band == "far" else "dog",
                     "label": None, "predicted": 0, "similarity": 0.0, "margin": None}
                )  # fmt: skip
                score = LEVEL[image.wnid] + 0.01 * (place % 13)
                scores[image.wnid] = np.append(scores.get(image.wnid, np.empty(0)), score)
                values.append(
                    {"run_id": run_id, "method": "mcm", "against": "", "part": number, "position": place,
                     "id_score": score}
                )  # fmt: skip
        store.insert_parts(cursor, pa.Table.from_pylist(parts))
        store.append_pictures(cursor, pa.Table.from_pylist(pictures))
        store.append_scores(cursor, pa.Table.from_pylist(values))
    return scores


def auroc(moved: Moved, when: str, band: str) -> float | None:
    bands = moved.before if when == "before" else moved.after
    return next(one.against_train for one in bands if one.band == band)


def test_the_bands_of_the_run_stand_beside_those_of_the_new_cut(scored: Workspace) -> None:
    scores = evaluate(scored)
    prepared = prepare(scored)
    moved = separation_moved(scored, prepared, prepared.retune((30.0, 50.0)))
    # Before, train was chihuahua and pekinese; at 30 and 50 % it still is, papillon is hard and beagle alone easy.
    train = np.concatenate([scores[CHIHUAHUA], scores[PEKINESE]])
    before = RankedScores(train).auroc(np.concatenate([scores[BEAGLE], scores[PAPILLON]]))
    assert auroc(moved, "before", "easy") == pytest.approx(before)
    assert auroc(moved, "after", "easy") == pytest.approx(RankedScores(train).auroc(scores[BEAGLE]))
    assert auroc(moved, "after", "hard") == pytest.approx(RankedScores(train).auroc(scores[PAPILLON]))
    assert auroc(moved, "after", "far") == auroc(moved, "before", "far") == 1.0


@keys("splits.separation")
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_v_shows_how_the_separation_moved(scored: Workspace, size: tuple[int, int]) -> None:
    (scored.root / ".place.json").write_text('{"split_superclass": "dog"}', encoding="utf-8")
    async with opened(scored, "splits", size) as (app, pilot):
        await press(pilot, "v")
        await rest(pilot)
        assert "was not evaluated yet" in told(app)
        evaluate(scored)
        await press(pilot, *"30", "tab", *"50", "v")
        await rest(pilot, 6)
        text = seen(app)
        assert "separation by mcm" in text
        assert "100.0 > 100.0" in text  # far, before and after
        assert "no OOD" in text
