"""The record of an export: everything that decides its bytes, and what is needed to find a changed line.

Nothing in it is a time or a place on a machine, so that the same catalogue gives the same bytes anywhere.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import EngineError
from engine.export.card import model_name
from engine.export.plan import Counts, Plan
from engine.review.agreement import reviewer_agreement
from engine.splits.crowding import check
from engine.splits.show import subclass_cuts, superclass_cuts, total_cut
from store.connection import Cursor
from store.review.queue import count_decisions

MANIFEST = "manifest.json"
CLASSES = "classes.json"
LINE_CHECKS = "lines.crc32"
"""CRC-32 of every line of every text file, 4 bytes each, little-endian, in the order of the manifest's files."""

FORMAT = "sood-tui export"
FORMAT_VERSION = 1
TEXT_ENDINGS = (".txt", ".csv", ".jsonl")
PIECE = 1 << 22

LineChecks = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class FilePrint:
    """A file of an export: its size and hash, and for text how many lines it has."""

    path: str
    bytes: int
    sha256: str
    lines: int | None


def canonical(data: object) -> bytes:
    """The one text of a JSON document: keys sorted, two blanks of indent, UTF-8, a line's end at the end."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8") + b"\n"


def fingerprint(folder: Path, name: str) -> tuple[FilePrint, LineChecks | None]:
    """Size, hash and the check of every line of a file; lines only where its ending says text."""
    digest, size, checks = hashlib.sha256(), 0, []
    is_text = name.endswith(TEXT_ENDINGS)
    for piece in _pieces(folder / name, is_text):
        digest.update(piece)
        size += len(piece)
        if is_text:
            checks.append(line_checks(piece))
    together = np.concatenate(checks) if checks else np.zeros(0, np.uint32)
    found = FilePrint(name, size, digest.hexdigest(), len(together) if is_text else None)
    return found, together if is_text else None


def line_checks(text: bytes) -> LineChecks:
    """CRC-32 of each line, without its end."""
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return np.fromiter(map(zlib.crc32, lines), np.uint32, len(lines))


def build_manifest(
    plan: Plan,
    counts: Counts,
    formats: list[str],
    files: list[FilePrint],
    trees: list[dict[str, Any]],
    inputs: dict[str, Any],
) -> dict[str, Any]:
    """The manifest of an export; manifest_sha256 is the hash of everything else in it.

    Args:
        plan: what was written.
        counts: of its rows.
        formats: names.
        files: every file but this one and the files of trees.
        trees: folders of pictures, each with its index and the number of its files.
        inputs: hashes of the pictures and similarities that went in, see `engine.export.inputs`.
    """
    prepared = plan.prepared
    record: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "tool": {"name": "sood-tui", "version": metadata.version("sood-tui")},
        "wordnet": "3.0",
        "split": prepared.split,
        "settings": _settings(plan),
        "scoring": {
            "model": model_name(prepared.run.model),
            "model_key": prepared.run.model_key,
            "pretrained": None if prepared.run.pretrained is None else model_name(prepared.run.pretrained),
            "weights_sha256": prepared.run.weights_sha256,
            "template": prepared.run.template,
            "keep_underscores": prepared.run.keep_underscores,
            "prompts": {name: prepared.prompts[name].prompt for name in prepared.superclasses},
        },
        "superclasses": _superclasses(plan),
        "total": asdict(total_cut(prepared, plan.tuned)),
        "removed": [asdict(one) for one in prepared.removed],
        "counts": {"listed": dict(counts.listed), "left_out": dict(counts.left_out)},
        "accepted": [{"superclass": sub.superclass, "wnid": sub.wnid} for sub in plan.subclasses],
        "inputs": inputs,
        "review": plan.record.get("review"),
        "labels": plan.record.get("labels"),
        "leaks": plan.record.get("leaks"),
        "options": _options(plan),
        "formats": sorted(formats),
        "roots": sorted(plan.roots.values()),
        "files": [asdict(one) for one in files],
        "trees": trees,
    }
    return {**record, "manifest_sha256": manifest_hash(record)}


def label_card(cursor: Cursor, plan: Plan) -> dict[str, Any] | None:
    """What the split's source of labels says of its bands; None where the split names no source."""
    settings = plan.prepared.settings
    if settings.label_source is None:
        return None
    found = check(cursor, plan.prepared, plan.measured, tuned=plan.tuned)
    return {
        "source": found.source,
        "predictions": found.predictions,
        "bands": [asdict(band) for band in found.bands],
        "warnings": list(found.warnings),
    }


def manifest_hash(manifest: dict[str, Any]) -> str:
    """The hash of everything in a manifest but this hash."""
    rest = {key: value for key, value in manifest.items() if key != "manifest_sha256"}
    return hashlib.sha256(canonical(rest)).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an export.

    Raises: EngineError if the folder holds none, or one that this version cannot read.
    """
    file = folder / MANIFEST
    if not file.is_file():
        raise EngineError(f"{folder} holds no export: there is no {MANIFEST}.")
    try:
        manifest = json.loads(file.read_bytes())
    except ValueError as error:
        raise EngineError(f"{file} is damaged: {error}.", "Make the export again.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise EngineError(f"{file} is not the manifest of an export of sood-tui.")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise EngineError(f"{file} was written by another version of sood-tui.", "Use the version that it names.")
    return manifest


def build_classes(plan: Plan, roots: Mapping[str, list[str]]) -> dict[str, Any]:
    """classes.json: the superclass of each class id, and the subclasses that stand under it."""
    return {
        "classes": [
            {
                "class_id": class_id,
                "superclass": name,
                "root_wnids": roots.get(name, []),
                "subclasses": {
                    sub.wnid: {"subclass": sub.subclass, "split": sub.split}
                    for sub in plan.subclasses
                    if sub.superclass == name and sub.split is not None
                },
            }
            for class_id, name in enumerate(plan.prepared.superclasses)
        ],
        "subclass_names": "the first lemma in WordNet; where several subclasses share it, each with its wnid behind",
    }


def review_record(cursor: Cursor) -> dict[str, Any]:
    """Who decided on how many candidates, as they stand, and how far every two agree."""
    people: dict[str, dict[str, int]] = {}
    for reviewer, state, count in count_decisions(cursor):
        people.setdefault(reviewer, {})[state] = count
    return {
        "reviewers": people,
        "agreement": [asdict(row) for row in reviewer_agreement(cursor) if row.superclass is None],
    }


def _options(plan: Plan) -> dict[str, Any]:
    options = asdict(plan.options)
    # The pictures themselves stand in the lists; their hash tells whether they are the same.
    options["ood"] = [{key: value for key, value in one.items() if key != "paths"} for one in options["ood"]]
    return options


def _settings(plan: Plan) -> dict[str, Any]:
    settings = asdict(plan.prepared.settings)
    del settings["run_id"]  # a number of this catalogue; the record names the model and the prompts themselves
    return settings


def _superclasses(plan: Plan) -> list[dict[str, Any]]:
    subs: dict[str, list[dict[str, Any]]] = {}
    names = {sub.wnid: sub.subclass for sub in plan.subclasses}
    for row in subclass_cuts(plan.prepared, plan.tuned):
        entry = asdict(row) | {"subclass": names[row.wnid]}
        subs.setdefault(row.superclass, []).append(entry)
    roots = plan.record.get("root_wnids", {})
    return [
        asdict(cut) | {"root_wnids": roots.get(str(cut.superclass), []), "subclass_list": subs[str(cut.superclass)]}
        for cut in superclass_cuts(plan.prepared, plan.tuned)
    ]


def _pieces(file: Path, whole_lines: bool) -> Iterator[bytes]:
    """The file in pieces of some megabytes; with whole_lines, each but the last ends with a line."""
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            yield piece + opened.readline() if whole_lines else piece
