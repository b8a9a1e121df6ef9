"""The questions before an export: where to, and whether so many pictures are to be listed there."""

from functools import partial
from pathlib import Path

from engine.export.manifest import MANIFEST
from engine.export.run import DEFAULT_FORMATS, ExportReport, run
from engine.splits.settings import MAIN, SplitSettings
from sood_tui.plain import plain, some
from sood_tui.screens.dialogs import AskDialog, ConfirmDialog
from sood_tui.screens.room import RoomScreen


def ask_export(screen: RoomScreen, defaults: SplitSettings, split: str = MAIN) -> None:
    """Ask for the folder, count what would be written, ask again with the counts, write.

    Args:
        screen: asks, works in its threads, and says what was done.
        defaults: what holds in a split that was not made yet.
        split: which one.
    """
    suggested = str(screen.workspace.exports / split)

    def named(text: str | None) -> None:
        if text:
            folder = Path(text).expanduser()
            force = (folder / MANIFEST).is_file()
            count = partial(run, screen.workspace, folder, split=split, force=force, dry_run=True, defaults=defaults)
            screen.in_thread_to_open("export", count, partial(_ask_again, screen, force, defaults))

    asked = f"Formats {', '.join(DEFAULT_FORMATS)}; `sood-tui export run --formats` writes others.\nThe folder:"
    screen.app.push_screen(AskDialog("Export", asked, suggested), named)


def _ask_again(screen: RoomScreen, force: bool, defaults: SplitSettings, report: ExportReport) -> None:
    counts = ", ".join(f"{some(number, 'picture')} in {name}" for name, number in report.listed.items())
    left_out = sum(report.left_out.values())
    question = f"Write {counts}\nto {plain(str(report.folder))}?"
    if left_out:
        reasons = ", ".join(f"{number:,} {reason}" for reason, number in report.left_out.items())
        question += f"\n{some(left_out, 'picture')} stay out: {plain(reasons)}."
    if force:
        question += "\nThe export that is there is replaced."

    def answered(yes: bool | None) -> None:
        if yes:
            screen.sood.say("Exporting …")
            write = partial(run, screen.workspace, report.folder, split=report.split, force=force, defaults=defaults)
            screen.in_thread("export", write, partial(_tell, screen))

    screen.app.push_screen(ConfirmDialog("Export", question, "write it"), answered)


def _tell(screen: RoomScreen, report: ExportReport) -> None:
    pictures = some(sum(report.listed.values()), "picture")
    screen.sood.say(f"{pictures} in {some(len(report.files), 'file')} written to {report.folder}.")
    screen.sood.read_counts()
