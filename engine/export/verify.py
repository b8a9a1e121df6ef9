"""Checking an export against its manifest: which file, and which line of it, is not what was written."""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq

from engine.errors import EngineError
from engine.export.manifest import LINE_CHECKS, MANIFEST, LineChecks, fingerprint, manifest_hash, read_manifest
from engine.export.trees import file_print, index_name, read_index
from store.paths import path_of_text, text_of_path

Kind = Literal["changed", "added", "removed", "missing_file", "altered_file", "missing_picture"]

MOST_ALIGNED = 20_000
"""Up to so many lines that differ are aligned line by line; more are told as one block."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was written.

    line counts from 1: in the file as it is now for changed and added lines, as it was for removed ones.
    last_line is the end of a block of lines that share a fate; text is what stands there now.
    """

    file: str
    kind: Kind
    line: int | None = None
    last_line: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked and found. unknown are files that the export did not write; they are no fault."""

    folder: Path
    files: int
    pictures: int | None
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was written."""
        return not self.differences


def verify(folder: Path, full: bool = False, roots: Mapping[str, Path] | None = None) -> VerifyReport:
    """Compare every byte of an export with what its manifest says.

    Args:
        folder: the export.
        full: look as well whether every listed picture is still there.
        roots: where the pictures lie, by the name of the root; needed for full.

    Raises: EngineError if there is no export, or if full is asked for and a root is not known.
    """
    manifest = read_manifest(folder)
    differences: list[Difference] = []
    if manifest.get("manifest_sha256") != manifest_hash(manifest):
        differences.append(Difference(MANIFEST, "altered_file"))
    checks = _line_checks(folder, manifest)
    for entry in manifest["files"]:
        differences += _compare(folder, entry, checks.get(entry["path"]))
    known = {entry["path"] for entry in manifest["files"]} | {MANIFEST}
    for tree in manifest.get("trees", []):
        differences += _compare_tree(folder, tree, full, known)
    unknown = [text_of_path(str(file.relative_to(folder))) for file in sorted(folder.rglob("*")) if not file.is_dir()]
    pictures = None
    if full:
        pictures, missing = _look_for_pictures(folder, manifest, roots or {})
        differences += missing
    return VerifyReport(
        folder, len(manifest["files"]), pictures, tuple(differences), tuple(n for n in unknown if n not in known)
    )


def _compare_tree(folder: Path, tree: dict[str, Any], full: bool, known: set[str]) -> Iterator[Difference]:
    """Links and copies that are gone, copies of another size, and with full those of another content."""
    name = tree["path"]
    if not (folder / index_name(name)).is_file():
        return
    for number, entry in enumerate(read_index(folder, name), start=1):
        known.add(entry.file)
        place = os.path.join(os.fspath(folder), path_of_text(entry.file))
        if not os.path.exists(place):
            yield Difference(entry.file, "missing_file", text=f"{index_name(name)}:{number}")
        elif entry.bytes is not None and (
            os.path.getsize(place) != entry.bytes or (full and file_print(place)[1] != entry.sha256)
        ):
            yield Difference(entry.file, "altered_file", text=f"{index_name(name)}:{number}")


def _line_checks(folder: Path, manifest: dict[str, Any]) -> dict[str, LineChecks]:
    """The check of each line, by file; nothing where the file of the checks is not what was written."""
    entries = {entry["path"]: entry for entry in manifest["files"]}
    if LINE_CHECKS not in entries or not (folder / LINE_CHECKS).is_file():
        return {}
    if fingerprint(folder, LINE_CHECKS)[0].sha256 != entries[LINE_CHECKS]["sha256"]:
        return {}
    together = np.frombuffer((folder / LINE_CHECKS).read_bytes(), "<u4").astype(np.uint32)
    checks, start = {}, 0
    for entry in manifest["files"]:
        if entry["lines"] is not None:
            checks[entry["path"]] = together[start : start + entry["lines"]]
            start += entry["lines"]
    return checks


def _compare(folder: Path, entry: dict[str, Any], expected: LineChecks | None) -> list[Difference]:
    name = entry["path"]
    if not (folder / name).is_file():
        return [Difference(name, "missing_file")]
    found, checks = fingerprint(folder, name)
    if (found.sha256, found.bytes) == (entry["sha256"], entry["bytes"]):
        return []
    if checks is None or expected is None:
        return [Difference(name, "altered_file")]
    lines = list(changed_lines(name, expected, checks))
    # Equal lines in a file that differs: the end of the last line is missing, or there is one too many.
    return _with_text(folder / name, lines) or [Difference(name, "altered_file", line=len(checks))]


def changed_lines(name: str, expected: LineChecks, found: LineChecks) -> Iterator[Difference]:
    """What became of the lines of a file.

    Args:
        name: of the file.
        expected: the check of each line as it was written.
        found: the check of each line as it is.
    """
    shared = min(len(expected), len(found))
    differs = np.flatnonzero(expected[:shared] != found[:shared])
    start = int(differs[0]) if len(differs) else shared
    reverse = np.flatnonzero(expected[::-1][: shared - start] != found[::-1][: shared - start])
    end = int(reverse[0]) if len(reverse) else shared - start
    old, new = expected[start : len(expected) - end], found[start : len(found) - end]
    if len(old) + len(new) > MOST_ALIGNED and min(len(old), len(new)) > 0:
        if len(old) == len(new):
            yield from (Difference(name, "changed", int(place) + 1, int(place) + 1) for place in differs)
        else:
            yield Difference(name, "changed", start + 1, start + max(len(old), len(new)))
        return
    matcher = difflib.SequenceMatcher(None, old.tolist(), new.tolist(), autojunk=False)
    for what, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if what == "insert":
            yield Difference(name, "added", start + new_start + 1, start + new_end)
        elif what == "delete":
            yield Difference(name, "removed", start + old_start + 1, start + old_end)
        elif what == "replace":
            yield Difference(
                name, "changed", start + new_start + 1, start + max(new_end, new_start + old_end - old_start)
            )


def _with_text(file: Path, differences: list[Difference]) -> list[Difference]:
    """The first differences with what stands in their line now."""
    wanted = {one.line for one in differences[:20] if one.line is not None and one.kind != "removed"}
    texts: dict[int, str] = {}
    if wanted:
        with file.open("rb") as opened:
            for number, line in enumerate(islice(opened, max(wanted)), start=1):
                if number in wanted:
                    texts[number] = line.rstrip(b"\n").decode("utf-8", "backslashreplace")
    return [
        Difference(
            one.file, one.kind, one.line, one.last_line, texts.get(one.line or 0) if one.kind != "removed" else None
        )
        for one in differences
    ]


def _look_for_pictures(
    folder: Path, manifest: dict[str, Any], roots: Mapping[str, Path]
) -> tuple[int, list[Difference]]:
    unknown = [name for name in manifest["roots"] if name not in roots]
    if unknown:
        raise EngineError(
            f"Where do the pictures of {', '.join(unknown)} lie?",
            f"Name the workspace with -w, or the folder with --root {unknown[0]}=FOLDER.",
        )
    count, missing = 0, []
    for file, line, path in _listed_pictures(folder, manifest):
        count += 1
        root = next(name for name in sorted(roots, key=len, reverse=True) if path.startswith(f"{name}/"))
        if not os.path.isfile(os.path.join(roots[root], path[len(root) + 1 :])):
            missing.append(Difference(file, "missing_picture", line, line, path))
    return count, missing


def _listed_pictures(folder: Path, manifest: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """(file, line or row, path as the file system has it) of every picture that stands in a list."""
    names = [entry["path"] for entry in manifest["files"]]
    lists = [name for name in names if name.endswith(".txt") and "/" not in name]
    if lists:
        for name in lists:
            with (folder / name).open(encoding="utf-8", newline="\n") as opened:
                for number, text in enumerate(opened, start=1):
                    yield name, number, text.rsplit(" ", 3)[0]
    elif "pictures.parquet" in names:
        row = 0
        for batch in pq.ParquetFile(folder / "pictures.parquet").iter_batches(columns=["path", "split"]):
            for path, split in zip(batch["path"].to_pylist(), batch["split"].to_pylist(), strict=True):
                row += 1
                if split is not None:
                    yield "pictures.parquet", row, path_of_text(path)
    else:
        raise EngineError("Only exports with the formats sood or parquet can be checked for their pictures.")
