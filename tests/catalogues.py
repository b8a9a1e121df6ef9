"""Small catalogues for tests of review, splits and export: synsets, pictures, decisions and scores, put in directly."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from engine.review.decisions import decide
from engine.workspace import Workspace
from store.connection import Store, memory_store

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Scores = Mapping[str, Mapping[str, Sequence[float]]]


def wnid_of(name: str) -> str:
    """A made-up wnid for a name: the same name always gives the same one."""
    return f"n{zlib.crc32(name.encode()) % 100_000_000:08d}"


def add_table(store: Store, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows by their column names."""
    if rows:
        names = list(rows[0])
        with store.writing() as cursor:
            cursor.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})",
                [list(row.values()) for row in rows],
            )


def add_synsets(store: Store, names: Sequence[str], lemmas: Mapping[str, str] | None = None) -> None:
    """Synsets named NAME.n.01 with one lemma."""
    add_table(
        store,
        "synset",
        [
            {
                "wnid": wnid_of(name), "pos": "n", "name": f"{name}.n.01", "gloss": f"what {name} means",
                "lexname": "noun.artifact", "sense_count": 0, "depth": 5,
            }
            for name in names
        ],
    )  # fmt: skip
    words = lemmas or {}
    rows = [{"wnid": wnid_of(n), "position": 0, "lemma": words.get(n, n), "sense_count": 0} for n in names]
    add_table(store, "lemma", rows)


def add_superclasses(store: Store, subclasses: Mapping[str, Sequence[str]]) -> None:
    """Superclasses with their candidates; the root of each is a synset of the superclass's name, if there is one."""
    rows = [{"superclass": name, "depth_limit": None, "added_at": WHEN} for name in subclasses]
    add_table(store, "superclass", rows)
    add_table(
        store,
        "superclass_root",
        [{"superclass": name, "wnid": wnid_of(name), "position": 0} for name in subclasses],
    )
    add_table(
        store,
        "candidate",
        [
            {
                "superclass": name,
                "wnid": wnid_of(sub),
                "route": "hyponym",
                "depth": 1,
                "similarity": None,
                "added_at": WHEN,
            }
            for name, subs in subclasses.items()
            for sub in subs
        ],
    )


def add_pictures(
    store: Store, paths: Sequence[tuple[str, str]], root: str = "imagenet21k_train", root_id: int = 1
) -> None:
    """Pictures of a root: (name of the synset, path below the root), numbered from root_id * 1000."""
    folder = {
        "root_id": root_id, "name": root, "path": f"/data/{root}", "layout": "wnid", "added_at": WHEN,
        "scanned_at": WHEN,
    }  # fmt: skip
    add_table(store, "image_root", [folder])
    rows = [
        {"image_id": root_id * 1000 + place, "root_id": root_id, "wnid": wnid_of(name), "path": path}
        for place, (name, path) in enumerate(paths)
    ]
    add_table(store, "image", rows)


def add_scores(
    store: Store, similarity: Sequence[tuple[str, str, int, float]], prompts: Sequence[str], run_id: int = 1
) -> None:
    """A scoring run: (superclass, name of the synset, image_id, similarity)."""
    if run_id == 1:
        model = {
            "set_id": 1, "model_key": "tiny", "model": "tiny-clip", "pretrained": None, "weights_sha256": "ab" * 32,
            "dimensions": 2, "added_at": WHEN,
        }  # fmt: skip
        add_table(store, "embedding_set", [model])
    run = {
        "run_id": run_id, "set_id": 1, "template": "a photo of a {}", "keep_underscores": False,
        "job_id": "0001-scoring", "created_at": WHEN,
    }  # fmt: skip
    add_table(store, "score_run", [run])
    add_table(
        store,
        "score_run_superclass",
        [
            {"run_id": run_id, "superclass": name, "prompt": f"a photo of a {name}", "text_embedding": [1.0, 0.0]}
            for name in prompts
        ],
    )
    rows = sorted((run_id, superclass, wnid_of(name), image, value) for superclass, name, image, value in similarity)
    add_table(
        store,
        "similarity",
        [dict(zip(("run_id", "superclass", "wnid", "image_id", "similarity"), row, strict=True)) for row in rows],
    )


def scored_workspace(
    folder: Path,
    scores: Scores,
    accept: bool = True,
    lemmas: Mapping[str, str] | None = None,
    store: Store | None = None,
    paths: Mapping[str, Sequence[str]] | None = None,
) -> Workspace:
    """A workspace in memory in which every picture of every subclass has the given similarity.

    Args:
        folder: the workspace's folder.
        scores: superclass -> name of the subclass -> similarity of each of its pictures.
        accept: decide that every candidate is accepted.
        lemmas: first lemma of a subclass where it is not its name.
        store: an empty catalogue; None makes one in memory.
        paths: file names of the pictures of a subclass, where they are not to be made up.
    """
    store = store or memory_store()
    workspace = Workspace(folder, store, seed=7)
    names = list(dict.fromkeys(name for subs in scores.values() for name in subs))
    add_synsets(store, names, lemmas)
    add_superclasses(store, {name: list(subs) for name, subs in scores.items()})
    images: dict[tuple[str, int], int] = {}
    pictures: list[tuple[str, str]] = []
    similarity = []
    for superclass, subs in scores.items():
        for name, values in subs.items():
            for number, value in enumerate(values):
                if (name, number) not in images:
                    images[name, number] = 1000 + len(pictures)
                    own = (paths or {}).get(name)
                    file = own[number] if own else f"{wnid_of(name)}_{number:03d}.JPEG"
                    pictures.append((name, f"{wnid_of(name)}/{file}"))
                similarity.append((superclass, name, images[name, number], value))
    add_pictures(store, pictures)
    add_scores(store, similarity, list(scores))
    if accept:
        for superclass, subs in scores.items():
            decide(workspace, superclass, [wnid_of(name) for name in subs], "accept", "anna")
    return workspace


def rows_of(table: pa.Table) -> list[dict[str, object]]:
    """The rows of an Arrow table as dictionaries."""
    rows: list[dict[str, object]] = table.to_pylist()
    return rows
