"""Writing an export: whole in a folder of its own, then renamed, so that it is there completely or not at all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.events import now
from engine.export.available import (
    DEFAULT_FORMATS,
    Format,
    available_formats,
    chosen_formats,
    resumes,
    trees_of,
    warnings_of,
)
from engine.export.inputs import hash_inputs
from engine.export.leaks import require_no_leaks
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
    review_record,
)
from engine.export.options import Options, Size
from engine.export.place import partial_folder, publish, require_room, sync_files
from engine.export.plan import Plan, build_plan, lay_out
from engine.splits.after import leave_out, left_out_after
from engine.splits.measure import Measured
from engine.splits.prepare import prepare_with_pictures
from engine.splits.prepared import PreparedSplit
from engine.splits.settings import MAIN, SplitSettings
from engine.workspace import Workspace
from store import export as store
from store.candidates.superclasses import fetch_superclass_roots
from store.connection import Cursor

__all__ = ["DEFAULT_FORMATS", "ExportReport", "OnProgress", "available_formats", "run"]

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, how many steps or pictures are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written, or would be.

    Attributes:
        files: what was written; empty for a dry run.
        planned_files: their names, without those in folders of pictures.
        sizes: what each format comes to; of a dry run only.
        warnings: what a person should think of.
    """

    folder: Path
    split: str
    formats: tuple[str, ...]
    listed: Mapping[str, int]
    left_out: Mapping[str, int]
    files: tuple[FilePrint, ...]
    planned_files: tuple[str, ...]
    manifest_sha256: str | None
    dry_run: bool
    sizes: Mapping[str, Size] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def run(
    workspace: Workspace,
    folder: Path,
    formats: Sequence[str] = DEFAULT_FORMATS,
    split: str = MAIN,
    force: bool = False,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
    defaults: SplitSettings | None = None,
    options: Options | None = None,
) -> ExportReport:
    """Export a split.

    Args:
        workspace: open.
        folder: is made; must not be there, or be empty, unless force is given.
        formats: names of available_formats().
        split: which one.
        force: replace an export that is there. Files that are not of an export are never touched.
        dry_run: check everything, count and weigh, but write nothing.
        on_progress: called between steps, and within long ones.
        defaults: what holds in a split that was not made yet.
        options: what was chosen beside the formats.

    Raises: EngineError if the folder is taken, a replica is not settled, nothing is left to export, a format cannot
        hold a name, or a picture is gone.
    """
    tell = on_progress or (lambda what, done, steps: None)
    chosen_formats(formats)  # a wrong name is told before anything is read
    with workspace.opened().reading() as cursor, store.bounded_memory(cursor):
        tell("reading scores", 0, 1)
        prepared, measured = prepare_with_pictures(cursor, workspace.seed, split, defaults)
        record = {"review": review_record(cursor), "root_wnids": fetch_superclass_roots(cursor)}
        report = write_split(
            cursor, prepared, measured, folder.resolve(), formats, options or Options(), record, force, dry_run, tell
        )
    if not dry_run:
        with workspace.opened().writing() as cursor:
            digest, listed = str(report.manifest_sha256), sum(report.listed.values())
            store.insert_export(cursor, str(report.folder), split, digest, listed, now())
    tell("done", 1, 1)
    return report


def write_split(
    cursor: Cursor,
    prepared: PreparedSplit,
    measured: Measured,
    folder: Path,
    formats: Sequence[str],
    options: Options,
    record: Mapping[str, Any],
    force: bool,
    dry_run: bool,
    tell: OnProgress,
) -> ExportReport:
    """Export a prepared split; run and rebuild end here.

    Args:
        cursor: for reading.
        prepared: the split.
        measured: its pictures.
        folder: absolute.
        formats: names.
        options: what was chosen beside them.
        record: review, and the roots of superclasses.
        force: replace an export that is there.
        dry_run: write nothing.
        tell: of progress.

    Raises: EngineError, as run.
    """
    chosen = chosen_formats(formats)
    _require_settled(prepared)
    measured = leave_out(cursor, prepared, prepared.retune(), measured)
    plan = build_plan(prepared, measured, store.fetch_root_names(cursor), store.fetch_root_paths(cursor), options)
    tell("sorting pictures", 0, 1)
    plan = replace(plan, counts=lay_out(cursor, plan))
    _require_whole(plan)
    leaks = require_no_leaks(cursor, plan) if options.check_leaks else None
    plan = replace(plan, record={**record, "labels": label_card(cursor, plan), "leaks": leaks})
    names = [name for one in chosen.values() for name in one.files(plan)]
    trees = trees_of(chosen)
    require_room(folder, (*names, *trees, CLASSES, LINE_CHECKS, MANIFEST), force)
    report = _Writing(cursor, plan, chosen, names, trees, folder, tell)
    return report.weighed() if dry_run else report.written()


@dataclass(frozen=True, slots=True)
class _Writing:
    """An export on its way."""

    cursor: Cursor
    plan: Plan
    formats: dict[str, Format]
    names: list[str]
    trees: list[str]
    folder: Path
    tell: OnProgress

    def weighed(self) -> ExportReport:
        """What it would come to."""
        sizes = {}
        for name, one in self.formats.items():
            self.tell(f"weighing {name}", 0, 1)
            one.check(self.cursor, self.plan)
            sizes[name] = one.size(self.cursor, self.plan)
        return self._report((), (*self.names, CLASSES, LINE_CHECKS, MANIFEST), None, sizes)

    def written(self) -> ExportReport:
        """What was written."""
        identity = {
            "accepted": [[sub.superclass, sub.wnid, sub.split] for sub in self.plan.subclasses],
            "counts": dict(self.plan.counts.listed) if self.plan.counts else {},
            "formats": list(self.formats),
            "options": asdict(self.plan.options),
        }
        with partial_folder(self.folder, identity, resumes(self.formats)) as partial:
            for name, one in self.formats.items():
                what = f"writing {name}"
                self.tell(what, 0, 1)
                one.write(self.cursor, self.plan, partial, lambda done, whole, what=what: self.tell(what, done, whole))  # type: ignore[misc]
            self.tell("hashing", 0, 1)
            files, digest = self._seal(partial)
            publish(partial, self.folder, self.trees)
        return self._report(tuple(files), tuple(one.path for one in files), digest, {})

    def _report(
        self, files: tuple[FilePrint, ...], planned: tuple[str, ...], digest: str | None, sizes: Mapping[str, Size]
    ) -> ExportReport:
        counts = self.plan.counts
        assert counts is not None, "rows are laid out before anything is written"
        return ExportReport(
            self.folder, self.plan.prepared.split, tuple(self.formats), counts.listed, counts.left_out, files, planned,
            digest, digest is None, sizes, tuple(warnings_of(self.formats, self.plan)),
        )  # fmt: skip

    def _seal(self, partial: Path) -> tuple[list[FilePrint], str]:
        """Write classes, line checks and the manifest, and make sure that everything is on disk."""
        plan, counts = self.plan, self.plan.counts
        assert counts is not None, "rows are laid out before anything is written"
        (partial / CLASSES).write_bytes(canonical(build_classes(plan, plan.record["root_wnids"])))
        files = []
        with (partial / LINE_CHECKS).open("wb") as checks_file:
            for name in sorted([*self.names, CLASSES]):
                found, checks = fingerprint(partial, name)
                files.append(found)
                if checks is not None:
                    checks_file.write(checks.astype("<u4").tobytes())
        files.append(fingerprint(partial, LINE_CHECKS)[0])
        trees = [{"path": tree, "link": plan.options.link, "files": sum(counts.listed.values())} for tree in self.trees]
        manifest = build_manifest(plan, counts, list(self.formats), files, trees, hash_inputs(self.cursor, plan))
        (partial / MANIFEST).write_bytes(canonical(manifest))
        sync_files(partial, self.trees, bool(self.trees) and plan.options.link == "copy")
        return files, str(manifest["manifest_sha256"])


def _require_settled(prepared: PreparedSplit) -> None:
    if prepared.replicas:
        shown = [
            f"  {wnid} {prepared.labels[wnid].lemma}: {', '.join(names)}" for wnid, names in prepared.replicas.items()
        ]
        raise EngineError(
            "\n".join([f"{len(shown)} synset(s) are accepted under more than one superclass:", *shown[:10]]),
            "Settle them with `sood-tui review assign SYNSET SUPERCLASS` or `sood-tui review replicas --settle`.",
        )


def _require_whole(plan: Plan) -> None:
    counts = plan.counts
    assert counts is not None, "rows are laid out first"
    after = left_out_after(plan.prepared, plan.tuned, plan.measured)
    cut = dict(zip(plan.tuned.bands, (plan.tuned.pictures.sum(axis=0) - after).tolist(), strict=True))
    assert cut == dict(counts.listed), f"the cut has {cut} pictures, the lists would have {counts.listed}"
    if not sum(counts.listed.values()):
        raise EngineError("There is nothing to export: the rules leave no picture.", "`sood-tui splits rules`")
