"""The job that looks what lies in a root, and how its parts come into the catalogue.

It opens no picture and asks for no file's size: the names say all that is needed, and 1.6 million of them are read in
seconds.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from engine.errors import EngineError
from engine.events import now
from engine.images.issues import PICTURE_ENDINGS
from engine.images.layouts import wnid_of_name
from engine.images.lists import read_list
from engine.jobs.ingest import Intake
from engine.jobs.shards import ShardRun
from store.connection import Cursor
from store.images import roots as image_roots
from store.images import scan as image_scan
from store.paths import path_of_text, text_of_path

_SCHEMA = pa.schema([("path", pa.string()), ("wnid", pa.string()), ("issue", pa.string()), ("detail", pa.string())])
_LINES_BETWEEN_CHECKS = 50_000


@dataclass(slots=True)
class Findings:
    """Columns of what was found: pictures have no issue."""

    paths: list[str] = field(default_factory=list)
    wnids: list[str | None] = field(default_factory=list)
    issues: list[str | None] = field(default_factory=list)
    details: list[str | None] = field(default_factory=list)
    pictures: int = 0

    def add_pictures(self, paths: list[str], wnid: str) -> None:
        """Add pictures of one synset."""
        self.paths += paths
        self.wnids += [wnid] * len(paths)
        self.issues += [None] * len(paths)
        self.details += [None] * len(paths)
        self.pictures += len(paths)

    def add_issue(self, path: str, kind: str, detail: str = "", wnid: str | None = None) -> None:
        """Add something that is not taken in."""
        self.paths.append(path)
        self.wnids.append(wnid)
        self.issues.append(kind)
        self.details.append(detail)

    def table(self) -> pa.Table:
        """The findings as a table with the columns path, wnid, issue, detail."""
        columns = (self.paths, self.wnids, self.issues, self.details)
        return pa.table([pa.array(column, pa.string()) for column in columns], schema=_SCHEMA)


def run(run: ShardRun) -> Mapping[str, int]:
    """Scan one root; called in the worker. A shard is a batch of its folders."""
    settings = run.settings
    folder = Path(path_of_text(settings["folder"]))
    presence = _presence(folder)
    pictures = 0
    for shard in run.shards():
        if settings["layout"] == "list":
            found = _scan_list(run, Path(path_of_text(settings["list_path"])), folder, settings["classes"])
            run.advance(shard.table.num_rows, pictures=found.pictures)
        else:
            found = Findings()
            for row in shard.table.to_pylist():
                scan_folder(folder, row, by_wnid=settings["layout"] == "wnid", found=found, check=run.check)
                run.advance(1, pictures=pictures + found.pictures)
        pictures += found.pictures
        if _presence(folder) != presence:
            raise _root_lost(folder)
        shard.commit(found.table())
    return {"pictures": pictures}


def scan_folder(
    root: Path, work: Mapping[str, str | None], by_wnid: bool, found: Findings, check: Callable[[], None] = lambda: None
) -> None:
    """Scan one folder of a root with all that lies below it.

    Args:
        root: absolute.
        work: a row of the work list: folder (text), wnid, issue, detail.
        by_wnid: whether a folder further in that is named by a wnid speaks for its own pictures.
        found: what is found is added here.
        check: called for each folder, so that a scan can be cancelled.
    """
    name = str(work["folder"])
    if name == ".":
        _scan_strays(root, found)
    elif work["issue"] == "hidden_folder":
        found.add_issue(name, "hidden_folder")
    else:
        _scan_tree(root, work, by_wnid, found, check)


def _scan_tree(
    root: Path, work: Mapping[str, str | None], by_wnid: bool, found: Findings, check: Callable[[], None]
) -> None:
    top = str(work["folder"])
    before, issues_before, left_out = found.pictures, len(found.issues), 0
    pending = [(top, work["wnid"])]
    while pending:
        check()
        folder, wnid = pending.pop()
        pictures, below = _scan_one(root, folder, found)
        if wnid is not None:
            found.add_pictures(pictures, wnid)
        else:
            left_out += len(pictures)
        for inner in below:
            own = wnid_of_name(inner.rpartition("/")[2]) if by_wnid else None
            pending.append((inner, own or wnid))
    if work["issue"] and (left_out or found.pictures == before):
        detail = f"{work['detail']}; " if work["detail"] else ""
        found.add_issue(top, work["issue"], f"{detail}{left_out} pictures left out")
    elif found.pictures == before and not any(
        kind in ("unreadable_folder", "vanished_folder") for kind in found.issues[issues_before:]
    ):
        found.add_issue(top, "empty_folder", wnid=work["wnid"])


def _scan_one(root: Path, folder: str, found: Findings) -> tuple[list[str], list[str]]:
    """Pictures and folders in one folder, as text relative to the root; whatever else is there becomes an issue."""
    pictures: list[str] = []
    below: list[str] = []
    path = os.path.join(root, path_of_text(folder))
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                text = f"{folder}/{name if name.isascii() and chr(92) not in name else text_of_path(name)}"
                if entry.is_dir():
                    if name.startswith("."):
                        found.add_issue(text, "hidden_folder")
                    elif entry.is_symlink() and _is_loop(path, entry.path):
                        found.add_issue(text, "folder_loop")
                    else:
                        below.append(text)
                elif (issue := _file_issue(entry)) is None:
                    pictures.append(text)
                else:
                    found.add_issue(text, issue)
    except FileNotFoundError:
        found.add_issue(folder, "vanished_folder")
        return [], []
    except OSError as error:
        # Half a listing is no listing: what was read of it is dropped, and the catalogue keeps what it knew.
        found.add_issue(folder, "unreadable_folder", error.strerror or str(error))
        return [], []
    return pictures, below


def _file_issue(entry: os.DirEntry[str]) -> str | None:
    name = entry.name
    dot = name.rfind(".")
    if dot <= 0 or name[0] == "." or name[dot:].lower() not in PICTURE_ENDINGS:
        return "not_a_picture"
    if entry.is_file():
        return None
    return "broken_link" if entry.is_symlink() else "not_a_picture"


def _is_loop(folder: str, link: str) -> bool:
    """Whether a link in a folder leads to that folder or to one that holds it."""
    target = os.path.realpath(link)
    return (os.path.realpath(folder) + "/").startswith(target.rstrip("/") + "/")


def _scan_strays(root: Path, found: Findings) -> None:
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                if not entry.is_dir():
                    issue = _file_issue(entry)
                    found.add_issue(text_of_path(entry.name), issue or "stray_file")
    except OSError as error:
        raise _root_lost(root) from error


def _scan_list(run: ShardRun, list_path: Path, folder: Path, classes: Mapping[str, str]) -> Findings:
    found = Findings()
    try:
        for index, line in enumerate(read_list(list_path, folder, classes)):
            if line.issue is None and line.wnid is not None:
                found.add_pictures([line.path], line.wnid)
            else:
                found.add_issue(line.path, line.issue or "unreadable_line", line.detail or "", line.wnid)
            if index % _LINES_BETWEEN_CHECKS == 0:
                run.advance(0, pictures=found.pictures)
    except OSError as error:
        raise EngineError(
            f"The list {list_path} cannot be read: {error.strerror}.", "Bring it back, then resume the job."
        ) from error
    return found


def _presence(folder: Path) -> tuple[int, int]:
    """What tells this folder from another one that has come into its place, as an unmounted disk leaves it."""
    try:
        status = os.stat(folder)
    except OSError as error:
        raise _root_lost(folder) from error
    return status.st_dev, status.st_ino


def _root_lost(folder: Path) -> EngineError:
    return EngineError(
        f"The root {text_of_path(str(folder))} is not there any more.",
        "Nothing was changed in the catalogue. Mount its disk again, then resume the job.",
    )


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan has changed.

    Attributes:
        root: name of the root.
        images: pictures of the root now.
        synsets: synsets that they show.
        added: pictures that were not there before.
        removed: pictures that are gone.
        issues: kind of issue -> number.
    """

    root: str
    job_id: str
    images: int
    synsets: int
    added: int
    removed: int
    issues: dict[str, int]


def ingest(intake: Intake) -> None:
    """Take a scan in, once it is finished: a half scan cannot tell what is gone."""
    if intake.part is not None or intake.outcome is None or intake.outcome.state != "finished":
        return
    settings = intake.spec.settings
    root = image_roots.fetch_roots(intake.cursor).get(int(settings["root_id"]))
    if root is None:
        return
    parts = [str(part.path) for part in intake.job.parts()]
    report = take_in(intake.cursor, root, parts, intake.spec.id, now())
    image_scan.save_report(intake.cursor, intake.spec.id, json.dumps(asdict(report)))


def take_in(cursor: Cursor, root: image_roots.Root, parts: list[str], job_id: str, at: datetime) -> ScanReport:
    """Bring the pictures, the counts and the issues of one root in line with what a scan found."""
    image_scan.stage_found(cursor, parts)
    sharing = list(_sharing(cursor, root))
    if sharing:
        image_scan.mark_duplicates(cursor, root.root_id, root.path, sharing)
    removed = image_scan.move_gone(cursor, root.root_id, at)
    added = image_scan.stage_images(cursor, root.root_id)
    if added or removed:
        image_scan.clear_images(cursor)
        image_scan.insert_staged(cursor)
        image_scan.clear_counts(cursor)
        image_scan.insert_counts(cursor)
    image_scan.clear_issues(cursor, root.root_id)
    image_scan.insert_found_issues(cursor, root.root_id, at)
    image_scan.insert_wnid_issues(cursor, root.root_id, at)
    image_scan.mark_scanned(cursor, root.root_id, at)
    number, synsets = image_scan.count_root_images(cursor, root.root_id)
    return ScanReport(root.name, job_id, number, synsets, added, removed, image_scan.count_issues(cursor, root.root_id))


def _sharing(cursor: Cursor, root: image_roots.Root) -> Iterator[int]:
    """The other roots whose folder holds, is or lies in this one's."""
    mine = root.path.rstrip("/") + "/"
    for other in image_roots.fetch_roots(cursor).values():
        theirs = other.path.rstrip("/") + "/"
        if other.root_id != root.root_id and (mine.startswith(theirs) or theirs.startswith(mine)):
            yield other.root_id
