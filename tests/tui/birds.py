"""A small workspace with real pictures, for the screens: the tiny WordNet, drawn JPEGs, superclasses, and scores."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from engine.candidates.superclasses import add_superclass
from engine.images.roots import add_root
from engine.review.decisions import decide
from engine.workspace import Workspace
from sood_tui.workspace import create_workspace
from store.connection import open_store
from store.scoring import runs as scoring
from store.scoring.embeddings import insert_set
from tests.catalogue_rows import pictures_of
from tests.catalogues import WHEN
from tests.fixtures_wordnet import load_tiny_wordnet

CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE = "n02085620", "n02086079", "n02086910", "n02088364"
SIAMESE, TABBY, LION = "n02123597", "n02123045", "n02129165"
CRANE, PARROT, BALD_EAGLE = "n02012849", "n01816887", "n01614925"
AMBULANCE, CAB = "n02701002", "n02930766"
DOG, CAT, CARNIVORE, BIRD, CAR = "n02084071", "n02121620", "n02075296", "n01503061", "n02958343"

PICTURES = {
    CHIHUAHUA: 40,
    PEKINESE: 12,
    PAPILLON: 20,
    BEAGLE: 18,
    SIAMESE: 9,
    TABBY: 7,
    LION: 5,
    CRANE: 6,
    PARROT: 4,
    BALD_EAGLE: 3,
    AMBULANCE: 8,
    CAB: 10,
}
BROKEN = "n02086079_3.JPEG"


def draw_pictures(folder: Path) -> None:
    """One folder a wnid; every picture another slope of colour, so that no two tiles are alike. One is no picture."""
    for place, (wnid, number) in enumerate(PICTURES.items()):
        (folder / wnid).mkdir(parents=True)
        for index in range(number):
            size = (48 + 16 * (index % 3), 64 - 16 * (index % 3))
            draw(place * 50 + index, size).save(folder / wnid / f"{wnid}_{index}.JPEG", quality=90)
    (folder / PEKINESE / BROKEN).write_bytes(b"not a JPEG at all")


def draw(number: int, size: tuple[int, int]) -> Image.Image:
    """A slope between two colours that the number picks."""
    across = np.linspace(0, 1, size[0])[None, :, None]
    down = np.linspace(0, 1, size[1])[:, None, None]
    one, other = (np.array([(number * step) % 256 for step in steps]) for steps in ((37, 91, 53), (71, 29, 113)))
    pixels = one * (1 - across) * (1 - down) + other * across * down + 30
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def build(root: Path, pictures: Path) -> None:
    """Make the workspace: WordNet, pictures by a real scan, two superclasses that overlap and one that does not."""
    workspace = create_workspace(root)
    store = open_store(workspace.catalogue)
    opened = replace(workspace, store=store, seed=7)
    (root / "sood.toml").write_text('seed = 7\nreviewer = "anna"\n', encoding="utf-8")
    load_tiny_wordnet(store)
    add_root(opened, pictures, name="drawn")
    for wnid in (DOG, CARNIVORE, BIRD):
        add_superclass(opened, [wnid])
    store.close()


def copy(template: Path, folder: Path) -> Workspace:
    """A copy of the workspace with its catalogue open; the pictures stay where they are."""
    shutil.copytree(template, folder)
    return replace(Workspace(folder, seed=7), store=open_store(folder / "catalogue.duckdb"))


def score(workspace: Workspace) -> None:
    """Accept every candidate of dog and bird, and give each picture a similarity: subclasses one after the other."""
    with workspace.opened().writing() as cursor:
        insert_set(cursor, "tiny", "tiny-clip", None, "ab" * 32, 2, WHEN)
        run_id = scoring.insert_run(cursor, 1, "{}", False, "0002-scoring", WHEN)
        for superclass, wnids in (
            ("bird", (BALD_EAGLE, CRANE, PARROT)),
            ("dog", (PAPILLON, BEAGLE, PEKINESE, CHIHUAHUA)),
        ):
            scoring.insert_run_superclass(cursor, run_id, superclass, superclass, [1.0, 0.0])
            scoring.append_similarities(cursor, run_id, superclass, _similarities(cursor, sorted(wnids), wnids))
    decide(workspace, "dog", (CHIHUAHUA, PEKINESE, PAPILLON, BEAGLE), "accept", "anna")
    decide(workspace, "bird", (CRANE, PARROT, BALD_EAGLE), "accept", "anna")


def _similarities(cursor: object, wnids: list[str], ladder: tuple[str, ...]) -> pa.Table:
    rows = [
        (wnid, image.image_id, 0.2 + 0.02 * ladder.index(wnid) + 0.001 * (place % 15))
        for wnid in wnids
        for place, image in enumerate(pictures_of(cursor, wnid))  # type: ignore[arg-type]
    ]
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {"wnid": columns[0], "image_id": columns[1], "similarity": pa.array(columns[2], pa.float32())},
    )
