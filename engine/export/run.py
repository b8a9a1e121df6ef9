"""Writing an export: whole in a folder of its own, then renamed, so that it is there completely or not at all."""

import importlib
import os
import pkgutil
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, cast

from engine.errors import EngineError
from engine.events import now
from engine.export import formats as formats_package
from engine.export.manifest import (
    CLASSES,
    LINE_CHECKS,
    MANIFEST,
    FilePrint,
    build_classes,
    build_manifest,
    canonical,
    fingerprint,
    label_card,
    read_manifest,
)
from engine.export.plan import Counts, Plan, build_plan, lay_out
from engine.splits.matching import match, matched_out
from engine.splits.prepare import PreparedSplit, prepare_with_pictures
from engine.splits.settings import MAIN, SplitSettings
from engine.workspace import Workspace
from store import export as store
from store.connection import Cursor
from store.splits import fetch_superclass_roots

DEFAULT_FORMATS = ("sood", "parquet")

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done, and how many there are."""


class Format(Protocol):
    """What a module in engine/export/formats offers."""

    NAME: str
    SENTENCE: str

    def files(self, plan: Plan) -> list[str]:
        """The files it writes, relative to the export, with slashes."""

    def check(self, cursor: Cursor, plan: Plan) -> None:
        """Raise EngineError if the format cannot hold something; write nothing."""

    def write(self, cursor: Cursor, plan: Plan, folder: Path) -> None:
        """Write the files from the rows laid out on the cursor; raise EngineError as check does."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, or would be: files is empty for a dry run but for their names."""

    folder: Path
    split: str
    formats: tuple[str, ...]
    listed: Mapping[str, int]
    left_out: Mapping[str, int]
    files: tuple[FilePrint, ...]
    planned_files: tuple[str, ...]
    manifest_sha256: str | None
    dry_run: bool


def available_formats() -> dict[str, Format]:
    """The formats that there are, by name: every module in the folder formats."""
    modules = [
        importlib.import_module(f"{formats_package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(formats_package.__path__)
    ]
    return {module.NAME: cast("Format", module) for module in modules}


def run(
    workspace: Workspace,
    folder: Path,
    formats: Sequence[str] = DEFAULT_FORMATS,
    split: str = MAIN,
    force: bool = False,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
    defaults: SplitSettings | None = None,
) -> ExportReport:
    """Export a split.

    Args:
        workspace: open.
        folder: is made; must not be there, or be empty, unless force is given.
        formats: names of available_formats().
        split: which one.
        force: replace an export that is there. Files that are not of an export are never touched.
        dry_run: check everything and count, but write nothing.
        on_progress: called between steps.
        defaults: what holds in a split that was not made yet.

    Raises: EngineError if the folder is taken, a replica is not settled, nothing is left to export, or a format
        cannot hold a name.
    """
    tell = on_progress or (lambda what, done, steps: None)
    chosen = _chosen(formats)
    folder = folder.resolve()
    steps = len(chosen) + 3
    with workspace.opened().reading() as cursor:
        tell("reading scores", 0, steps)
        prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults)
        _require_settled(prepared)
        measured = match(cursor, prepared, prepared.retune(), measured)
        plan = build_plan(prepared, measured, store.fetch_root_names(cursor))
        names = [name for format_ in chosen.values() for name in format_.files(plan)]
        _require_room(folder, names, force)
        tell("sorting pictures", 1, steps)
        counts = lay_out(cursor, plan)
        _require_whole(plan, counts)
        if dry_run:
            for format_ in chosen.values():
                format_.check(cursor, plan)
            planned = (*names, CLASSES, LINE_CHECKS, MANIFEST)
            return ExportReport(
                folder, split, tuple(chosen), counts.listed, counts.left_out, (), planned, None, dry_run=True
            )
        with _partial_folder(folder) as partial:
            for done, (name, format_) in enumerate(chosen.items(), start=2):
                tell(f"writing {name}", done, steps)
                format_.write(cursor, plan, partial)
            tell("hashing", steps - 1, steps)
            files, digest = _seal(cursor, plan, counts, list(chosen), names, partial)
            _publish(partial, folder)
    with workspace.opened().writing() as cursor:
        store.insert_export(cursor, str(folder), split, digest, sum(counts.listed.values()), now())
    tell("done", steps, steps)
    planned = tuple(one.path for one in files)
    return ExportReport(
        folder, split, tuple(chosen), counts.listed, counts.left_out, tuple(files), planned, digest, dry_run=False
    )


def _chosen(names: Sequence[str]) -> dict[str, Format]:
    available = available_formats()
    unknown = [name for name in names if name not in available]
    if unknown or not names:
        raise EngineError(
            f"There is no format {', '.join(unknown)}." if unknown else "No format was named.",
            f"There are {', '.join(available)}.",
        )
    return {name: available[name] for name in dict.fromkeys(names)}


def _require_settled(prepared: PreparedSplit) -> None:
    if prepared.replicas:
        shown = [
            f"  {wnid} {prepared.labels[wnid].lemma}: {', '.join(names)}" for wnid, names in prepared.replicas.items()
        ]
        raise EngineError(
            "\n".join([f"{len(shown)} synset(s) are accepted under more than one superclass:", *shown[:10]]),
            "Settle them with `sood-tui review assign SYNSET SUPERCLASS` or `sood-tui review replicas --settle`.",
        )


def _require_whole(plan: Plan, counts: Counts) -> None:
    drawn_out = matched_out(plan.prepared, plan.tuned, plan.measured)
    cut = dict(zip(plan.tuned.bands, (plan.tuned.pictures.sum(axis=0) - drawn_out).tolist(), strict=True))
    assert cut == dict(counts.listed), f"the cut has {cut} pictures, the lists would have {counts.listed}"
    if not sum(counts.listed.values()):
        raise EngineError("There is nothing to export: the rules leave no picture.", "`sood-tui splits rules`")


def _require_room(folder: Path, names: Sequence[str], force: bool) -> None:
    """Check that nothing would be overwritten that is not ours, and nothing at all without force."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise EngineError(f"{folder} is a file.", "Name a folder.")
    there = {entry.name for entry in folder.iterdir()}
    if not there:
        return
    if not force:
        raise EngineError(
            f"{folder} is not empty.", "Name another folder, or --force to replace the export in it (and nothing else)."
        )
    ours = _files_of(folder)
    foreign = [
        name for name in (*names, CLASSES, LINE_CHECKS, MANIFEST) if (folder / name).exists() and name not in ours
    ]
    if foreign:
        raise EngineError(
            f"{folder} holds {', '.join(foreign)}, which no export wrote.", "Move it away, or name another folder."
        )


def _files_of(folder: Path) -> set[str]:
    """The files of the export in a folder; none where there is no export."""
    try:
        manifest = read_manifest(folder)
    except EngineError:
        return set()
    names = {str(entry["path"]) for entry in manifest["files"]} | {MANIFEST}
    return {name for name in names if not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts}


@contextmanager
def _partial_folder(folder: Path) -> Iterator[Path]:
    """A folder beside the export to write in; gone afterwards, whatever happens. Those of dead processes go, too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.partial-"
    for left_over in folder.parent.glob(f"{prefix}*"):
        if not _is_alive(left_over.name.removeprefix(prefix)):
            shutil.rmtree(left_over, ignore_errors=True)
    partial = folder.parent / f"{prefix}{os.getpid()}"
    partial.mkdir()
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return int(pid) != os.getpid()


def _seal(
    cursor: Cursor, plan: Plan, counts: Counts, formats: list[str], names: list[str], partial: Path
) -> tuple[list[FilePrint], str]:
    """Write classes, line checks and the manifest, and make sure that everything is on disk."""
    (partial / CLASSES).write_bytes(canonical(build_classes(plan, fetch_superclass_roots(cursor))))
    files = []
    with (partial / LINE_CHECKS).open("wb") as checks_file:
        for name in sorted([*names, CLASSES]):
            found, checks = fingerprint(partial, name)
            files.append(found)
            if checks is not None:
                checks_file.write(checks.astype("<u4").tobytes())
    files.append(fingerprint(partial, LINE_CHECKS)[0])
    manifest = build_manifest(plan, counts, formats, files, label_card(cursor, plan))
    (partial / MANIFEST).write_bytes(canonical(manifest))
    for file in sorted(partial.rglob("*")):
        _sync(file)
    _sync(partial)
    return files, str(manifest["manifest_sha256"])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(partial: Path, folder: Path) -> None:
    """Put the finished files in their place.

    Where an export is replaced, its manifest goes first and the new one comes last: what was interrupted in between
    is no export.
    """
    if not folder.exists() or not any(folder.iterdir()):
        partial.rename(folder)
        _sync(folder.parent)
        return
    old = _files_of(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    new = [str(file.relative_to(partial)) for file in sorted(partial.rglob("*")) if file.is_file()]
    for name in sorted(new, key=lambda name: name == MANIFEST):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).replace(folder / name)
    for name in old - set(new):
        (folder / name).unlink(missing_ok=True)
    _sync(folder)
