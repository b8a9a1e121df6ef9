"""Adding roots of pictures and scanning them again."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.images.classes import read_mapping
from engine.images.layouts import WORK_SCHEMA, Layout, Plan, plan_folders, shown
from engine.images.lists import read_list
from engine.images.scan import ScanReport
from engine.jobs.folder import JobFolder, JobProgress
from engine.jobs.ingest import ingest_ready
from engine.jobs.runner import submit
from engine.jobs.waiting import wait_for
from engine.workspace import Workspace
from store.connection import Cursor
from store.images import roots as image_roots
from store.images import scan as image_scan
from store.images.roots import Root, RootSummary
from store.paths import path_of_text, text_of_path
from store.wordnet.words import has_wordnet

OnProgress = Callable[[JobProgress], None]

# So many parts that a scan can be resumed without much loss, so few that each is worth its file.
_PARTS = 64
_LINES_PROBED = 200


@dataclass(frozen=True, slots=True)
class StartedScan:
    """A scan that runs: the root, its job, and what the person should know."""

    root: Root
    job: JobFolder
    remarks: tuple[str, ...]


def start_add(
    workspace: Workspace,
    path: Path,
    name: str | None = None,
    layout: Layout | None = None,
    mapping: Path | None = None,
    base: Path | None = None,
) -> StartedScan:
    """Add a root and start its scan.

    Args:
        workspace: with its catalogue open.
        path: a folder of folders, or a list file.
        name: of the root, the first part of its pictures' paths in an export; by default its folder's name.
        layout: wnid, class or list; guessed when not given.
        mapping: CSV of ``class,wnid``, for class folders and for lists whose lines name classes.
        base: folder that the paths in a list are relative to; by default the list's own.

    Raises: EngineError when the root cannot be read, holds nothing of its layout, or overlaps with another root.
    """
    store = workspace.opened()
    with store.reading() as cursor:
        _require_wordnet(cursor)
        plan = _plan(cursor, _absolute(path), layout, _absolute(mapping) if mapping else None, base)
        known = image_roots.fetch_roots(cursor)
        root_id = image_roots.next_root_id(cursor)
    abandoned = [root for root in known.values() if root.scanned_at is None and _same_source(root, plan)]
    others = [root for root in known.values() if root not in abandoned]
    _refuse_overlap(plan, others)
    root = Root(
        root_id=root_id,
        name=_checked_name(name or plan.folder.name, others),
        path=text_of_path(str(plan.folder)),
        layout=plan.layout,
        list_path=text_of_path(str(plan.list_path)) if plan.list_path else None,
        mapping=text_of_path(str(plan.mapping)) if plan.mapping else None,
        added_at=now(),
        scanned_at=None,
    )
    with store.writing() as cursor:
        for unscanned in abandoned:  # an earlier try that never came in
            image_roots.delete_root(cursor, unscanned.root_id)
        image_roots.insert_root(cursor, root)
    try:
        return StartedScan(root, _submit(workspace, root, plan), plan.remarks)
    except BaseException:
        with store.writing() as cursor:
            image_roots.delete_root(cursor, root.root_id)
        raise


def start_rescan(workspace: Workspace, name: str | None = None) -> list[StartedScan]:
    """Start a scan of one root, or of all.

    Raises: UnknownRoot; EngineError when a root is not there any more, before any scan is started.
    """
    with workspace.opened().reading() as cursor:
        known = image_roots.fetch_roots(cursor)
        roots = [image_roots.fetch_root(cursor, name)] if name is not None else list(known.values())
        if not roots:
            raise EngineError("There is no root to scan again.", "`sood-tui images add ROOT` adds one.")
        plans = [(root, _plan_again(cursor, root)) for root in roots]
    return [StartedScan(root, _submit(workspace, root, plan), ()) for root, plan in plans]


def remove_root(workspace: Workspace, name: str, dry_run: bool = False) -> RootSummary:
    """Forget a root and its pictures, or tell what that would be; nothing on disk is touched.

    Its pictures count as gone. Added again they are new pictures, so that nothing computed from the old ones is taken
    for theirs.

    Returns: the root as it was.
    Raises: UnknownRoot.
    """
    with workspace.opened().writing() as cursor:
        root_id = image_roots.fetch_root(cursor, name).root_id
        summary = next(row for row in image_roots.fetch_root_summaries(cursor) if row.root_id == root_id)
        if not dry_run:
            image_scan.move_all_gone(cursor, root_id, now())
            image_scan.delete_root_images(cursor, root_id)
            image_scan.delete_root_issues(cursor, root_id)
            image_roots.delete_root(cursor, root_id)
            image_scan.clear_counts(cursor)
            image_scan.insert_counts(cursor)
    return summary


def read_report(workspace: Workspace, job_id: str) -> ScanReport:
    """What a scan has changed.

    Raises: EngineError while it was not taken in.
    """
    with workspace.opened().reading() as cursor:
        text = image_scan.fetch_report(cursor, job_id)
    if text is None:
        raise EngineError(f"The scan {job_id} has not come in.", f"`sood-tui jobs log {job_id}` says how it went.")
    return ScanReport(**json.loads(text))


def add_root(
    workspace: Workspace,
    path: Path,
    name: str | None = None,
    layout: Layout | None = None,
    mapping: Path | None = None,
    base: Path | None = None,
    on_progress: OnProgress | None = None,
) -> ScanReport:
    """Add a root, scan it in a process of its own, wait for that, and take it in.

    Raises: EngineError as ``start_add``, and when the scan fails.
    """
    started = start_add(workspace, path, name, layout, mapping, base)
    return _finish(workspace, started, on_progress)


def rescan(workspace: Workspace, name: str | None = None, on_progress: OnProgress | None = None) -> list[ScanReport]:
    """Scan one root, or all, again, wait for that, and take it in.

    Raises: UnknownRoot; EngineError as ``start_rescan``, and when a scan fails.
    """
    return [_finish(workspace, started, on_progress) for started in start_rescan(workspace, name)]


def _finish(workspace: Workspace, started: StartedScan, on_progress: OnProgress | None) -> ScanReport:
    wait_for(started.job, on_progress)
    ingest_ready(workspace)
    return read_report(workspace, started.job.id)


def _plan(cursor: Cursor, path: Path, layout: Layout | None, mapping: Path | None, base: Path | None) -> Plan:
    if layout == "list" or (layout is None and path.is_file()):
        if not path.is_file():
            raise EngineError(f"There is no list file {shown(path)}.", "ROOT is the list itself with --layout list.")
        remarks = () if layout else ("Layout list (guessed; --layout says otherwise).",)
        return _plan_list(cursor, path, _absolute(base) if base else path.parent, mapping, remarks)
    if base is not None:
        raise EngineError("--base goes with a list file only.", "Leave it out for a root of folders.")
    return plan_folders(cursor, path, layout, mapping)


def _plan_again(cursor: Cursor, root: Root) -> Plan:
    mapping = Path(path_of_text(root.mapping)) if root.mapping else None
    if root.layout == "list" and root.list_path:
        return _plan_list(cursor, Path(path_of_text(root.list_path)), root.folder, mapping, ())
    layout: Layout = "wnid" if root.layout == "wnid" else "class"
    return plan_folders(cursor, root.folder, layout, mapping)


def _plan_list(cursor: Cursor, list_path: Path, folder: Path, mapping: Path | None, remarks: tuple[str, ...]) -> Plan:
    classes = read_mapping(cursor, mapping) if mapping else {}
    try:
        _probe_list(list_path, folder, classes)
    except OSError as error:
        raise EngineError(
            f"The list {shown(list_path)} cannot be read: {error.strerror}.", "Check the path."
        ) from error
    work = pa.Table.from_pylist(
        [{"folder": text_of_path(list_path.name), "wnid": None, "issue": None, "detail": None}], schema=WORK_SCHEMA
    )
    return Plan(folder, "list", list_path, mapping, work, classes, remarks)


def _probe_list(list_path: Path, folder: Path, classes: dict[str, str]) -> None:
    """Look at the first lines.

    Raises: EngineError when none is understood, or none of their files is there.
    """
    understood = 0
    for index, line in enumerate(read_list(list_path, folder, classes)):
        if line.issue is None:
            understood += 1
            if (folder / path_of_text(line.path)).exists():
                return
        if index >= _LINES_PROBED:
            break
    if understood == 0:
        raise EngineError(
            f"No line of {shown(list_path)} says which picture shows which synset.",
            "Lines are `path wnid`, `path,wnid`, or `path class` with --mapping CSV (class,wnid).",
        )
    raise EngineError(
        f"None of the first pictures of {shown(list_path)} lies below {shown(folder)}.",
        "--base DIR says what the paths in the list are relative to.",
    )


def _submit(workspace: Workspace, root: Root, plan: Plan) -> JobFolder:
    settings = {
        "root_id": root.root_id,
        "folder": root.path,
        "layout": root.layout,
        "list_path": root.list_path,
        "classes": plan.classes,
    }
    rows = max(1, -(-plan.work.num_rows // _PARTS))
    return submit(workspace.root, "scan", settings, plan.work, shard_rows=rows, title=f"scan {root.name}")


def _absolute(path: Path) -> Path:
    # Not resolved: a link that a site points to another disk next year is to be followed then, too.
    return Path(os.path.abspath(path.expanduser()))


def _same_source(root: Root, plan: Plan) -> bool:
    list_path = text_of_path(str(plan.list_path)) if plan.list_path else None
    return root.path == text_of_path(str(plan.folder)) and root.list_path == list_path


def _refuse_overlap(plan: Plan, others: Iterable[Root]) -> None:
    mine = os.path.realpath(plan.folder)
    for other in others:
        theirs = os.path.realpath(other.folder)
        if plan.list_path is not None or other.list_path is not None:
            # A list may name pictures of other roots; the scan finds those that are there already.
            if _same_source(other, plan):
                raise EngineError(
                    f"{shown(plan.list_path)} is the root {other.name} already.",
                    f"`sood-tui images rescan {other.name}` looks for what is new.",
                )
        elif mine == theirs:
            raise EngineError(
                f"{shown(plan.folder)} is the root {other.name} already.",
                f"`sood-tui images rescan {other.name}` looks for what is new.",
            )
        elif _lies_in(mine, theirs) or _lies_in(theirs, mine):
            inner, outer = (plan.folder, other.path) if _lies_in(mine, theirs) else (other.path, plan.folder)
            raise EngineError(
                f"{shown(plan.folder)} and the root {other.name} overlap: {shown(inner)} lies in {shown(outer)}.",
                "A picture must not belong to two roots. Add folders that lie beside each other.",
            )


def _lies_in(inner: str, outer: str) -> bool:
    return inner.startswith(outer.rstrip("/") + "/")


def _checked_name(name: str, others: Iterable[Root]) -> str:
    text = text_of_path(name)
    if not text or "/" in text or not text.isprintable():
        raise EngineError(f"{text!r} cannot be the name of a root.", "Give one with --name: letters, digits, - and _.")
    for other in others:
        if other.name == text:
            raise EngineError(f"There is a root named {text} already: {other.path}.", "Give another with --name NAME.")
    return text


def _require_wordnet(cursor: Cursor) -> None:
    if not has_wordnet(cursor):
        raise EngineError("There is no WordNet in this workspace yet.", "`sood-tui init` puts it in.")
