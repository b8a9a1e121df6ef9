"""Roots of empty files with pictures' names, and workspaces with the tiny WordNet: a scan looks at names only."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from engine.images.scan import take_in
from engine.workspace import Workspace
from sood_tui.workspace import create_workspace, opened
from store.connection import Cursor, Store
from store.images.roots import Root, insert_root
from tests.fixtures_wordnet import load_tiny_wordnet

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BEAGLE, PAPILLON, CHIHUAHUA, PEKINESE = "n02088364", "n02086910", "n02085620", "n02086079"
DOG, TOY_DOG, CANINE, WOLF, DOMESTIC_ANIMAL = "n02084071", "n02085374", "n02083346", "n02114100", "n01317541"
TABBY, SIAMESE, CAT, MAYFLOWER, SHIP, ENTITY = (
    "n02123045", "n02123597", "n02121620", "n03732992", "n04194289", "n00001740",
)  # fmt: skip


def plant(root: Path, folders: Mapping[str, int], ending: str = ".JPEG") -> Path:
    """Make folders with so many pictures each, named FOLDER_0.JPEG and so on."""
    for folder, count in folders.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (root / folder / f"{Path(folder).name}_{number}{ending}").touch()
    return root


def plant_bytes(folder: Path, name: bytes) -> None:
    """Make an empty file with a name of any bytes."""
    os.close(os.open(os.path.join(os.fsencode(folder), name), os.O_CREAT | os.O_WRONLY, 0o644))


@contextmanager
def tiny_workspace(folder: Path) -> Iterator[Workspace]:
    """A workspace with the tiny WordNet in its catalogue, open."""
    with opened(create_workspace(folder)) as workspace:
        load_tiny_wordnet(workspace.opened())
        yield workspace


def put_root(cursor: Cursor, root_id: int = 1, name: str = "train") -> Root:
    """A root that is known to the catalogue and was never looked at on disk."""
    root = Root(root_id, name, f"/pictures/{name}", "wnid", None, None, WHEN, None)
    insert_root(cursor, root)
    return root


def put_pictures(store: Store, scratch: Path, counts: Mapping[str, int], root_id: int = 1, name: str = "train") -> Root:
    """Take a root with so many pictures of each synset into the catalogue, as a scan does."""
    rows = [
        {"path": f"{wnid}/{wnid}_{number}.JPEG", "wnid": wnid, "issue": None, "detail": None}
        for wnid, count in counts.items()
        for number in range(count)
    ]
    schema = pa.schema([(column, pa.string()) for column in ("path", "wnid", "issue", "detail")])
    part = scratch / f"{name}.parquet"
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), part)
    with store.writing() as cursor:
        root = put_root(cursor, root_id, name)
        take_in(cursor, root, [str(part)], f"0001-{name}", WHEN)
    return root
