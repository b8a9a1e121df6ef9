"""Commands of the room export: run, verify, diff, rebuild, list, formats."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.export import diff as comparing
from engine.export import rebuild as rebuilding
from engine.export import run as engine
from engine.export import verify as verifying
from engine.export.available import DEFAULT_FORMATS, available_formats
from engine.export.options import Options, Size
from engine.export.run import ExportReport
from engine.export.verify import Difference, VerifyReport
from engine.splits.settings import MAIN
from engine.workspace import Workspace
from sood_tui.cli.context import AsJson, given_workspace, open_workspace
from sood_tui.cli.following import take_in_results
from sood_tui.cli.output import emit, emit_json, emit_table, say
from sood_tui.cli.progress import shown_progress
from sood_tui.cli.splits.options import defaults_of
from sood_tui.notices import EXIT_INPUT
from sood_tui.workspace import find_workspace, opened
from store.export import fetch_exports, fetch_root_paths

app = typer.Typer(
    name="export",
    help="Lists and manifests, and their verification.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


class Link(StrEnum):
    """How a folder of pictures is filled."""

    symlink = "symlink"
    hardlink = "hardlink"
    copy = "copy"


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="An export.")]


@app.command("run")
def run_command(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where to; without it, exports/SPLIT in the workspace.")
    ] = None,
    formats: Annotated[
        str, typer.Option(metavar="F,F,...", help="Which ones; `sood-tui export formats` lists them.")
    ] = ",".join(DEFAULT_FORMATS),
    split: Annotated[str, typer.Option(metavar="NAME", help="Which split; else the main one.")] = MAIN,
    link: Annotated[Link, typer.Option(help="How folders of pictures are filled.")] = Link.symlink,
    shard_pictures: Annotated[int, typer.Option(min=1, help="Pictures in each tar of webdataset.")] = 10_000,
    ood: Annotated[
        list[str] | None, typer.Option(metavar="NAME=SET", help="Pictures of no class, for openood; may repeat.")
    ] = None,
    check_leaks: Annotated[
        bool, typer.Option("--check-leaks", help="Refuse if two lists share a picture by content.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, count and weigh, but write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the lists of a split with a manifest: completely, or not at all.

    Example: sood-tui export run lists/ --formats sood,parquet
    """
    with open_workspace(context) as workspace:
        take_in_results(workspace)
        target = folder or workspace.exports / split
        names = [name.strip() for name in formats.split(",") if name.strip()]
        options = _options(workspace, link.value, shard_pictures, ood or [], check_leaks)
        with shown_progress() as on_progress:
            report = engine.run(
                workspace, target, names, split, force, dry_run, on_progress, defaults_of(workspace), options
            )
    if as_json:
        emit_json(report)
    else:
        _tell_report(report)


@app.command()
def verify(
    context: typer.Context,
    folder: Folder,
    full: Annotated[bool, typer.Option("--full", help="Look as well whether every listed picture is there.")] = False,
    root: Annotated[
        list[str] | None, typer.Option(metavar="NAME=DIR", help="Where the pictures of a root lie; for --full.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find every changed, added or removed line of an export. Exit code 2 if there is one.

    Example: sood-tui export verify lists/ --full
    """
    roots = _roots(context, root or []) if full else {}
    report = verifying.verify(folder.resolve(), full, roots)
    if as_json:
        emit_json({"is_intact": report.is_intact, **_fields(report)})
    else:
        for one in report.differences:
            typer.echo(_sentence(one))
    for name in report.unknown:
        say(f"{name}: not of this export")
    if not report.is_intact:
        say(f"{len(report.differences)} difference(s).")
        raise typer.Exit(EXIT_INPUT)
    pictures = "" if report.pictures is None else f", and all {report.pictures:,} listed pictures are there"
    say(f"Intact: {report.files} files are byte for byte what was written{pictures}.")


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="DIR", help="An export.")],
    after: Annotated[Path, typer.Argument(metavar="DIR", help="Another one.")],
    as_json: AsJson = False,
) -> None:
    """Show which subclasses moved between two exports, how many pictures with them, and why.

    Example: sood-tui export diff lists/ lists-strict/
    """
    report = comparing.diff(before.resolve(), after.resolve())
    if as_json:
        emit_json(report)
    else:
        emit_table(report.moves, ("superclass", "subclass", "before", "after", "pictures", "reason"))
    say(
        f"{report.same:,} pictures are in the same list; {report.total('moved'):,} moved, {report.total('added'):,} "
        f"added, {report.total('removed'):,} removed."
    )


@app.command()
def rebuild(
    context: typer.Context,
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A manifest.json, or the folder that holds it.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to.")],
    ood: Annotated[
        list[str] | None, typer.Option(metavar="NAME=SET", help="Where an OOD set lies on this machine; may repeat.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an export that is there, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an export again from its manifest, and say where it is not the same. Exit code 2 if it is not.

    The workspace gives pictures and similarities; subclasses, settings and formats are those of the manifest.

    Example: sood-tui export rebuild lists/manifest.json again/
    """
    with open_workspace(context) as workspace, shown_progress() as on_progress:
        report = rebuilding.rebuild(workspace, manifest, folder, ood or [], force, on_progress)
    if as_json:
        emit_json({"is_same": report.is_same, "manifest": report.manifest, "deviations": report.deviations})
    else:
        emit_table(report.deviations, ("kind", "subject", "expected", "found"))
    if not report.is_same:
        count = len(report.deviations)
        say(f"{count} thing(s) are not as the manifest says; {report.export.folder} holds what came out.")
        raise typer.Exit(EXIT_INPUT)
    say(f"The same to the byte: {len(report.export.files)} files in {report.export.folder}.")


@app.command()
def formats(as_json: AsJson = False) -> None:
    """List the formats with what each of them writes.

    Example: sood-tui export formats
    """
    rows = [{"format": name, "writes": one.SENTENCE} for name, one in available_formats().items()]
    emit(rows, ("format", "writes"), as_json)


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the exports that were made from this workspace.

    Example: sood-tui export list
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        rows = fetch_exports(cursor)
    emit(rows, ("export_id", "created_at", "split", "images", "path", "manifest_sha256"), as_json, "No export yet.")


def _tell_report(report: ExportReport) -> None:
    rows = [{"split": name, "pictures": count} for name, count in report.listed.items()]
    emit_table(rows, ("split", "pictures"))
    for reason, count in report.left_out.items():
        say(f"left out: {count:,} pictures, {reason}")
    for told in report.warnings:
        say(f"! {told}")
    if report.dry_run:
        for name, size in report.sizes.items():
            say(f"{name}: {_weight(size)}")
        say(f"Nothing was written. These would be in {report.folder}: {', '.join(report.planned_files)}")
    else:
        say(f"Written to {report.folder}: {', '.join(f'{one.path} ({one.bytes:,} bytes)' for one in report.files)}")
        say(f"manifest {report.manifest_sha256}")


def _weight(size: Size) -> str:
    about = "" if size.is_exact else "about "
    pixels = ", the pictures themselves among them" if size.holds_pixels else ""
    return f"{size.files:,} file(s), {about}{size.bytes:,} bytes{pixels}"


def _options(workspace: Workspace, link: str, shard_pictures: int, ood: list[str], check_leaks: bool) -> Options:
    if not ood:
        return Options(link, shard_pictures, (), check_leaks)  # type: ignore[arg-type]
    from engine.export.ood import read_ood_sets

    with workspace.opened().reading() as cursor:
        return Options(link, shard_pictures, read_ood_sets(workspace, cursor, ood), check_leaks)  # type: ignore[arg-type]


def _fields(report: VerifyReport) -> dict[str, object]:
    return {
        "folder": report.folder,
        "files": report.files,
        "pictures": report.pictures,
        "differences": report.differences,
        "unknown": report.unknown,
    }


def _sentence(one: Difference) -> str:
    where = one.file if one.line is None else f"{one.file}:{one.line}"
    if one.line is not None and one.last_line is not None and one.last_line > one.line:
        where += f"-{one.last_line}"
    what = one.kind.replace("_", " ")
    return f"{where}: {what}" + (f": {one.text}" if one.text is not None else "")


def _roots(context: typer.Context, given: list[str]) -> dict[str, Path]:
    roots: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        if not equals or not name:
            raise EngineError(
                f"--root {text} names no root.", "Example: --root imagenet21k_train=/data/imagenet21k_train"
            )
        roots[name] = Path(folder)
    workspace = find_workspace(given_workspace(context))
    if workspace is not None and not roots:
        with opened(workspace) as ready, ready.opened().reading() as cursor:
            roots = {name: Path(path) for name, path in fetch_root_paths(cursor).items()}
    return roots
