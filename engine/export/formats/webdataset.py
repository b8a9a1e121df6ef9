"""Tars for WebDataset: a shard set a list, and for each picture its file, its class id, and a JSON record.

A tar holds the pictures themselves. The same pictures give the same bytes: members stand in the order of the lists,
with neither time nor owner. A shard that is there whole is kept when an export goes on.
"""

import io
import json
import os
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from engine.export.listed import Gone, ListedPicture, UniqueNames, counted, listed_pictures
from engine.export.options import OnPictures, Size, quiet
from engine.export.plan import Plan, list_name
from engine.export.trees import TOLD_EVERY, picture_name, weigh
from store.connection import Cursor

NAME = "webdataset"
SENTENCE = "webdataset/LIST-000000.tar ...: picture, .cls and .json a sample. Holds the pictures themselves."
RESUMES = True
FOLDER = "webdataset"
_BLOCK = 512
_ENDINGS = {".jpeg": "jpg", ".jpe": "jpg", ".jpg": "jpg"}


def files(plan: Plan) -> list[str]:
    """The shards that the format writes."""
    return [name for split in plan.splits for name in _shards(plan, split)]


def check(cursor: Cursor, plan: Plan) -> None:
    """Every name can be held."""


def warnings(plan: Plan) -> list[str]:
    """What the person should think of before giving the tars away."""
    return ["webdataset holds the pictures themselves; ImageNet's terms do not allow to pass them on."]


def size(cursor: Cursor, plan: Plan) -> Size:
    """What it comes to, told from a sample."""
    return Size(len(files(plan)), weigh(cursor, plan, _BLOCK, 5 * _BLOCK), False, True)


def write(cursor: Cursor, plan: Plan, folder: Path, tell: OnPictures = quiet) -> None:
    """Write the shards.

    Raises: PicturesGone.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    done, whole, gone = 0, counted(plan), Gone()
    for split in plan.splits:
        pictures = listed_pictures(cursor, plan, split)
        names = UniqueNames()
        for name in _shards(plan, split):
            shard = folder / name
            members = islice(_named(pictures, names), plan.options.shard_pictures)
            if shard.is_file():
                done += sum(1 for _ in members)
                tell(done, whole)
                continue
            part = shard.with_suffix(".tar.part")
            with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
                for key, picture in members:
                    try:
                        _add_sample(tar, key, picture)
                    except FileNotFoundError:
                        gone.add(picture.path)
                    done += 1
                    if done % TOLD_EVERY == 0:
                        tell(done, whole)
            gone.tell()
            part.replace(shard)
    tell(done, whole)


def _shards(plan: Plan, split: str) -> list[str]:
    pictures = plan.counts.listed[split] if plan.counts is not None else 0
    number = -(-pictures // plan.options.shard_pictures)
    return [f"{FOLDER}/{list_name(split)}-{place:06d}.tar" for place in range(number)]


def _named(pictures: Iterator[ListedPicture], names: UniqueNames) -> Iterator[tuple[str, ListedPicture]]:
    """Each picture with its key: a sample ends at the first dot of its name, so keys have none."""
    for picture in pictures:
        stem = os.path.splitext(picture_name(picture))[0].replace(".", "_")
        yield f"{picture.wnid}/{names.claim(picture.wnid, stem)}", picture


def _add_sample(tar: tarfile.TarFile, key: str, picture: ListedPicture) -> None:
    if not picture.file:
        raise FileNotFoundError(picture.path)
    ending = os.path.splitext(picture.file)[1].lower()
    with open(picture.file, "rb") as opened:
        content = opened.read()
    record = {
        "path": picture.path,
        "wnid": picture.wnid,
        "superclass": picture.superclass,
        "class_id": picture.class_id,
        "subclass": picture.subclass,
        "split": picture.split,
        "similarity": picture.similarity,
        "score": picture.score,
        "subclass_mean": picture.subclass_mean,
    }
    _add(tar, f"{key}.{_ENDINGS.get(ending, ending.lstrip('.') or 'bin')}", content)
    _add(tar, f"{key}.cls", str(picture.class_id).encode())
    _add(tar, f"{key}.json", json.dumps(record, ensure_ascii=False).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(content))
