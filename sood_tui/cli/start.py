"""The command that makes a workspace."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EngineError
from engine.wordnet.cache import CachedWordNet
from engine.wordnet.importing import ImportReport, choose_source, import_wordnet
from engine.wordnet.sources import WordNetNotFound, WordNetSource, download_wordnet
from engine.workspace import Workspace
from sood_tui.cli.output import say
from sood_tui.cli.progress import shown_progress
from sood_tui.workspace import create_workspace, is_workspace, opened
from store.wordnet.importing import count_synsets

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# What a workspace consists of: an init that was broken off may have left some of it.
_OWN_NAMES = frozenset(
    ("sood.toml", "catalogue.duckdb", "catalogue.duckdb.wal", "embeddings", "thumbnails", "jobs", "exports", "seats")
)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the new workspace; made if need be.")],
    wordnet: Annotated[
        Path | None,
        typer.Option("--wordnet", metavar="DIR", help="Where WordNet 3.0 is: a folder with data.noun, or wordnet.zip."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch WordNet with NLTK's downloader if it is not on this machine.")
    ] = False,
) -> None:
    """Make a workspace with WordNet 3.0 in it. In a workspace that is there already it adds what is missing.

    WordNet is looked for in NLTK's data path and in /usr/share/wordnet. It is read once for each user (some ten
    seconds) and kept in the user's cache, so that the next workspace is made in about one.

    Example: sood-tui init ~/benchmarks/birds
    """
    folder = folder.expanduser().absolute()
    existed = is_workspace(folder)
    if not existed:
        refuse_foreign(folder)
    # Found before anything is made, so that a machine without WordNet is left as it was.
    source = None if existed and _has_wordnet(folder) else _source(wordnet, download)
    workspace = create_workspace(folder)
    if source is None:
        say(f"{workspace.root} is a workspace already, with WordNet in it. Nothing was changed.")
        return
    with opened(workspace) as open_one, shown_progress() as on_progress:
        report = import_wordnet(open_one.opened(), source, on_progress)
    say(_sentence(workspace, report, existed))
    say(f"Next: `sood-tui -w {shlex.quote(str(workspace.root))} images add FOLDER` brings in your pictures.")


def refuse_foreign(folder: Path) -> None:
    """Make sure that a workspace may be made in this folder.

    Raises: EngineError if it is a file, or holds what does not belong to a workspace.
    """
    if folder.exists() and not folder.is_dir():
        raise EngineError(f"{folder} is a file.", "Name a folder that is empty or not there yet.")
    if not folder.exists():
        return
    foreign = sorted(
        entry.name for entry in folder.iterdir() if entry.name not in _OWN_NAMES and not entry.name.startswith(".")
    )
    if foreign:
        more = f" and {len(foreign) - 3:,} more" if len(foreign) > 3 else ""
        raise EngineError(
            f"{folder} is not empty: {', '.join(foreign[:3])}{more}.",
            "A workspace has a folder of its own; pictures stay where they are. "
            f"For example: sood-tui init {shlex.quote(str(folder / 'sood'))}",
        )


def _source(wordnet: Path | None, download: bool) -> WordNetSource | CachedWordNet:
    try:
        return choose_source(wordnet)
    except WordNetNotFound:
        if not download or wordnet is not None:
            raise
    say("WordNet is not on this machine; NLTK's downloader fetches it (10 MB).")
    download_wordnet()
    return choose_source()


def _has_wordnet(folder: Path) -> bool:
    with opened(create_workspace(folder)) as workspace, workspace.opened().reading() as cursor:
        return count_synsets(cursor) > 0


def _sentence(workspace: Workspace, report: ImportReport, existed: bool) -> str:
    what = "WordNet was missing in the workspace" if existed else "Made the workspace"
    kept = ", kept in your cache" if report.from_cache else ""
    return f"{what} {workspace.root}: {report.synsets:,} synsets of WordNet 3.0 from {report.origin}{kept}."
