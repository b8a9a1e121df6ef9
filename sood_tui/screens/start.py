"""Start: where one is without a workspace."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.errors import EngineError
from engine.workspace import SETTINGS_FILE, Workspace
from sood_tui.keys.frame import FRAME
from sood_tui.keys.start import START
from sood_tui.plain import plain
from sood_tui.recent import recent_workspaces
from sood_tui.screens.dialogs import AskDialog
from sood_tui.screens.room import HELP, RoomScreen
from sood_tui.settings import load_settings
from sood_tui.widgets.key_footer import KeyFooter
from sood_tui.widgets.lines import Lines, Words
from sood_tui.workspace import create_workspace, find_workspace, is_workspace
from store.connection import open_store

ACTIONS: tuple[tuple[str, str, str], ...] = (
    ("open", "Open a workspace", "a folder that holds sood.toml"),
    ("new", "Make a new workspace", "with WordNet in it, in some ten seconds"),
    ("demo", "Run the demo", "the whole walk on made-up pictures"),
)
DEMO_FOLDER = "sood-demo"
QUIT = tuple(binding for binding in FRAME if binding.id == "frame.quit")


class StartScreen(RoomScreen):
    """Open, new, demo, and the workspaces that were open last."""

    CSS_PATH = "start.tcss"
    KEYS = START
    BINDINGS: ClassVar[list[BindingType]] = list(START)

    def __init__(self) -> None:
        super().__init__()
        self._recent: list[Path] = []

    def compose(self) -> ComposeResult:
        """One box."""
        with Vertical(id="start_panel", classes="panel") as panel:
            panel.border_title = "sood-tui"
            yield Static(
                Content.assemble(
                    ("Curate semantic out-of-distribution image benchmarks", "bold"), "\n",
                    ("over WordNet and folders of pictures, in the terminal", "$foreground 60%"),
                ),
                id="title",
            )  # fmt: skip
            yield Lines(id="places")
            yield Static("", id="told", markup=False)
        yield KeyFooter(self.sood.bound((*START, *QUIT)), self.sood.bound(HELP))

    def compose_body(self) -> Iterable[Widget]:
        """There is no frame here."""
        return ()

    def enter(self) -> None:
        """Show the workspaces that are still there."""
        self._recent = recent_workspaces()
        lines: list[Words] = []
        for key, title, sentence in ACTIONS:
            lines.append([(f" {key[0]}  ", "accent"), (f"{title:<26}", "bold"), (sentence, "muted")])
        for folder in self._recent:
            lines.append([(f"    {plain(folder.name)[:25]:<26}", "plain"), (plain(str(folder.parent)), "muted")])
        places = self.query_one("#places", Lines)
        places.show(lines, len(ACTIONS) if self._recent else 1)
        places.styles.height = len(lines)
        self.sood.offer_tour()

    # ---- keys ----

    def action_move(self, step: int) -> None:
        """Move by lines."""
        self.query_one("#places", Lines).move(step)

    def action_move_page(self, pages: int) -> None:
        """Move by pages."""
        self.query_one("#places", Lines).move_page(pages)

    def action_move_to_end(self, end: int) -> None:
        """Go to the first or the last line."""
        places = self.query_one("#places", Lines)
        places.go(0 if end < 0 else len(places) - 1)

    @on(Lines.Chosen)
    def action_choose(self) -> None:
        """Do what the cursor stands on."""
        place = self.query_one("#places", Lines).cursor
        if place >= len(ACTIONS):
            self._open(self._recent[place - len(ACTIONS)])
        else:
            (self.action_open, self.action_new, self.action_demo)[place]()

    def action_open(self) -> None:
        """Ask for the folder of a workspace."""

        def problem_of(text: str) -> str:
            return "" if is_workspace(Path(text).expanduser()) else f"{text!r} holds no sood.toml: it is no workspace."

        def named(text: str | None) -> None:
            if text is not None:
                self._open(Path(text).expanduser())

        self.app.push_screen(AskDialog("Open", "The folder of the workspace:", problem_of=problem_of), named)

    def action_new(self) -> None:
        """Ask for a folder, make a workspace there and take WordNet in."""

        def problem_of(text: str) -> str:
            folder = Path(text).expanduser()
            if not text.strip():
                return "Name a folder."
            if is_workspace(folder):
                return f"{text!r} is a workspace already: press esc, then o."
            return f"{text!r} is not empty." if folder.exists() and any(folder.iterdir()) else ""

        def named(text: str | None) -> None:
            if text is not None:
                self._tell("Taking WordNet in …")
                self.in_thread("new", partial(self._make, Path(text).expanduser()), self._opened)

        self.app.push_screen(AskDialog("New", "The folder of the new workspace:", "sood", problem_of), named)

    def action_demo(self) -> None:
        """Run the demo on the terminal, then open its workspace."""

        def named(text: str | None) -> None:
            if text is not None:
                self._run_demo(Path(text).expanduser())

        asked = "The folder of the demo; it takes about two minutes and shows each command that it runs:"
        self.app.push_screen(AskDialog("Demo", asked, DEMO_FOLDER), named)

    # ---- doing ----

    def _open(self, folder: Path) -> None:
        def tell(text: str) -> None:
            self.app.call_from_thread(self._tell, text)

        reviewer = load_settings(folder / SETTINGS_FILE).reviewer if is_workspace(folder) else ""
        self.in_thread("open", partial(_opened, folder, reviewer, tell), self._opened)

    def _make(self, folder: Path) -> Workspace:
        from engine.wordnet.importing import choose_source, import_wordnet

        source = choose_source()  # before anything is made, so that a machine without WordNet is left as it was
        workspace = create_workspace(folder)
        opened = replace(workspace, store=open_store(workspace.catalogue))
        import_wordnet(opened.opened(), source, self._progress)
        return opened

    def _progress(self, what: str, done: int, total: int) -> None:
        share = f"  {done / total:.0%}" if total else ""
        self.app.call_from_thread(self._tell, f"{what}{share}")

    def _tell(self, text: str) -> None:
        self.query_one("#told", Static).update(Content(plain(text)))

    def _opened(self, workspace: Workspace) -> None:
        self.sood.open_workspace(workspace)

    def _run_demo(self, folder: Path) -> None:
        command = [sys.executable, "-m", "sood_tui", "demo", str(folder), "--no-tui"]
        with self.app.suspend():
            code = subprocess.run(command, check=False).returncode
            if code == 0:
                input("\nPress enter to open it. ")
        if code:
            shown = shlex.join(["sood-tui", "demo", str(folder)])
            self.sood.report(EngineError("The demo did not come to its end.", f"`{shown}` goes on where it stopped."))
        else:
            self._open(folder)


def _opened(folder: Path, reviewer: str, tell: Callable[[str], None]) -> Workspace:
    from sood_tui.watch.seats import take_place

    workspace = find_workspace(folder)
    if workspace is None:
        raise EngineError(f"{folder} is no workspace of sood-tui.", "n makes a new one.")
    return take_place(workspace, reviewer, tell)
