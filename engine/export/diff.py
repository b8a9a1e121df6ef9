"""What became of each picture between two exports, and why."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from engine.errors import EngineError
from engine.export.manifest import read_manifest


@dataclass(frozen=True, slots=True)
class Move:
    """The pictures of a subclass that went the same way; before or after is None where they are in no list."""

    superclass: str
    subclass: str
    before: str | None
    after: str | None
    pictures: int
    reason: str


@dataclass(frozen=True, slots=True)
class DiffReport:
    """Two exports compared: pictures that are in the same list, and the moves of the others."""

    before: Path
    after: Path
    same: int
    moves: tuple[Move, ...]

    def total(self, kind: str) -> int:
        """How many pictures were added, removed or moved."""
        return sum(move.pictures for move in self.moves if _kind(move) == kind)


@dataclass(frozen=True, slots=True)
class _Place:
    superclass: str
    subclass: str
    split: str | None
    reason: str | None


def diff(before: Path, after: Path) -> DiffReport:
    """Compare two exports picture by picture, by their paths.

    Raises: EngineError if a folder holds no export, or none with a row a picture.
    """
    manifests = (read_manifest(before), read_manifest(after))
    old, new = (dict(_places(folder, manifest)) for folder, manifest in zip((before, after), manifests, strict=True))
    counts: Counter[tuple[str, str, str | None, str | None, str]] = Counter()
    why = _Reasons(*manifests)
    same = 0
    for path in old.keys() | new.keys():
        one, other = old.get(path), new.get(path)
        was, now = one.split if one else None, other.split if other else None
        known = other or one
        assert known is not None, "every path comes from one of the two"
        if was == now and (one is None or other is None or one.superclass == other.superclass):
            same += was is not None
            continue
        counts[known.superclass, known.subclass, was, now, why.of(one, other)] += 1
    moves = [Move(*key[:4], pictures, key[4]) for key, pictures in counts.items()]
    moves.sort(key=lambda move: (move.superclass, move.subclass, move.before or "", move.after or "", move.reason))
    return DiffReport(before, after, same, tuple(moves))


def _kind(move: Move) -> str:
    if move.before is None:
        return "added"
    return "removed" if move.after is None else "moved"


class _Reasons:
    """Finds out why a picture changed its place, from what the two manifests say."""

    def __init__(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        self._means = [self._subclasses(manifest) for manifest in (before, after)]
        self._thresholds = [self._bands(manifest) for manifest in (before, after)]
        self._removed = {(one["superclass"], one["wnid"]): one["reason"] for one in after["removed"]}

    def of(self, one: _Place | None, other: _Place | None) -> str:
        """One sentence."""
        if other is not None and other.reason is not None:
            return f"left out now: {other.reason}"
        if one is not None and one.reason is not None:
            return f"was left out: {one.reason}"
        if one is None or other is None:
            return "not among the accepted pictures " + ("before" if one is None else "now")
        if one.superclass != other.superclass:
            return f"was under {one.superclass}"
        means = [
            found.get((place.superclass, place.subclass))
            for found, place in zip(self._means, (one, other), strict=True)
        ]
        cuts = [found.get(place.superclass) for found, place in zip(self._thresholds, (one, other), strict=True)]
        if None in means or None in cuts:
            return "the superclass was cut otherwise"
        said = []
        if means[0] != means[1]:
            said.append(f"mean {means[0]:.6g} -> {means[1]:.6g}")
        if cuts[0] != cuts[1]:
            said.append(f"thresholds {_numbers(cuts[0])} -> {_numbers(cuts[1])}")
        return "; ".join(said) or "the bands are others"

    @staticmethod
    def _subclasses(manifest: dict[str, Any]) -> dict[tuple[str, str], float]:
        return {
            (cut["superclass"], sub["subclass"]): sub["mean"]
            for cut in manifest["superclasses"]
            for sub in cut["subclass_list"]
        }

    @staticmethod
    def _bands(manifest: dict[str, Any]) -> dict[str, list[float]]:
        found: dict[str, list[float]] = defaultdict(list)
        for cut in manifest["superclasses"]:
            found[cut["superclass"]] = [band["threshold"] for band in cut["bands"] if band["threshold"] is not None]
        return dict(found)


def _numbers(values: Any) -> str:
    return "/".join(f"{value:.6g}" for value in values)


def _places(folder: Path, manifest: dict[str, Any]) -> Iterator[tuple[str, _Place]]:
    names = {entry["path"] for entry in manifest["files"]}
    if "pictures.parquet" in names:
        columns = ["path", "superclass", "subclass", "split", "reason"]
        for batch in pq.ParquetFile(folder / "pictures.parquet").iter_batches(columns=columns):
            for row in zip(*(batch[name].to_pylist() for name in columns), strict=True):
                yield row[0], _Place(*row[1:])
    elif "pictures.jsonl" in names:
        with (folder / "pictures.jsonl").open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                yield row["path"], _Place(row["superclass"], row["subclass"], row["split"], row["reason"])
    elif "pictures.csv" in names:
        with (folder / "pictures.csv").open(encoding="utf-8", newline="") as file:
            for fields in csv.DictReader(file):
                yield (
                    fields["path"],
                    _Place(fields["superclass"], fields["subclass"], fields["split"] or None, fields["reason"] or None),
                )
    elif lists := sorted(name for name in names if name.endswith(".txt") and "/" not in name):
        yield from _listed(folder, lists)
    else:
        raise EngineError(f"The export {folder} has no file with a row a picture.")


def _listed(folder: Path, names: list[str]) -> Iterator[tuple[str, _Place]]:
    for name in names:
        split = name.removesuffix(".txt").removeprefix("test_").removesuffix("_ood").removesuffix("_iid")
        with (folder / name).open(encoding="utf-8", newline="\n") as file:
            for line in file:
                path, _, superclass, subclass = line.rstrip("\n").rsplit(" ", 3)
                yield path, _Place(superclass, subclass, split, None)
