"""The app: its modes, the open workspace, the error desk, and the place that is kept for the next start."""

import gc
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.screen import Screen

from engine.errors import EngineError
from engine.workspace import Workspace
from sood_tui.keys.app import KeyedApp
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN, SCREEN_KEYS, SCREEN_TITLES
from sood_tui.messages import CatalogueChanged, Counted, JobsSeen, JobsTakenIn, OthersDecided
from sood_tui.notices import describe
from sood_tui.place import Place
from sood_tui.recent import remember
from sood_tui.seat_rules import forbidden
from sood_tui.settings import Settings, Value, load_settings
from sood_tui.terminal.graphics import NOT_ASKED, Graphics, Terminal, choose

if TYPE_CHECKING:
    from engine.jobs.summary import JobSummary
    from engine.review.stopping import Progress
    from sood_tui.benches.progress import ProgressReader
    from sood_tui.screens.room import RoomScreen
    from sood_tui.watch.rounds import Rounds
    from sood_tui.widgets.sheet.thumbnails import Thumbnails


def _screen(module: str, name: str) -> Callable[[], Screen[Any]]:
    # A screen's module is loaded when it is first opened, so that the first frame is early.
    return lambda: cast("Screen[Any]", getattr(import_module(f"sood_tui.screens.{module}"), name)())


class SoodApp(KeyedApp, inherit_bindings=False):
    """One mode a screen; workers do the work and post messages, handlers paint."""

    TITLE = "sood-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(FRAME)
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "start": _screen("start", "StartScreen"),
        "home": _screen("home", "HomeScreen"),
        "browse": _screen("browse", "BrowseScreen"),
        "review": _screen("review", "ReviewScreen"),
        "jobs": _screen("jobs", "JobsScreen"),
        "splits": _screen("splits", "SplitsScreen"),
        "evaluate": _screen("evaluate", "EvaluateScreen"),
        "labels": _screen("labels", "LabelsScreen"),
        "duplicates": _screen("duplicates", "DuplicatesScreen"),
        "settings": _screen("settings", "SettingsScreen"),
    }

    def __init__(
        self,
        workspace: Workspace | None,
        settings: Settings,
        graphics: Graphics = Graphics.HALF,
        screen: str = "",
        alone: bool = False,
        terminal: Terminal = NOT_ASKED,
    ) -> None:
        """The app, not running yet.

        Args:
            workspace: open; None begins with the start screen.
            settings: what holds now.
            graphics: how pictures are drawn.
            screen: the one to begin with; empty for the one where the last session ended.
            alone: whether the process is there for the app only, so that its memory may be arranged for it.
            terminal: what it said that it can draw.
        """
        place = _place_of(workspace, settings) if workspace is not None else Place()
        place.screen = next((name for name in (screen, place.screen) if name in SCREEN_KEYS), "home")
        # Textual would begin with a blank screen of its own, and lay out and style everything twice.
        self.DEFAULT_MODE = "start" if workspace is None else place.screen  # type: ignore[misc]
        super().__init__(settings.keys, graphics, terminal)
        self.settings = settings
        self.counts: Mapping[str, str] = {}
        self.jobs: tuple[JobSummary, ...] = ()
        self.place = place
        self._workspace: Workspace | None = None
        self._thumbnails: Thumbnails | None = None
        self._rounds: Rounds | None = None
        self._progress: ProgressReader | None = None
        self.is_blind = settings.text("review.blind") == "on"
        self._before: list[str] = []
        self._opened: set[str] = {self.DEFAULT_MODE}
        self._alone = alone
        if settings.text("theme") in self.available_themes:
            self.theme = settings.text("theme")
        if workspace is not None:
            self._take(workspace)

    # ---- the workspace ----

    @property
    def thumbnails(self) -> "Thumbnails":
        """The thumbnails of the open workspace."""
        from sood_tui.widgets.sheet.thumbnails import Thumbnails

        if self._thumbnails is None:
            self._thumbnails = Thumbnails(self.require_workspace().thumbnails)
        return self._thumbnails

    def require_workspace(self) -> Workspace:
        """The open workspace.

        Raises: EngineError when none is open.
        """
        if self._workspace is None:
            raise EngineError("No workspace is open.", "Open one, or make one, on the start screen.")
        return self._workspace

    @property
    def has_workspace(self) -> bool:
        """Whether a workspace is open."""
        return self._workspace is not None

    def read_progress(self, superclass: str | None = None) -> "tuple[Progress, ...]":
        """How far the review is; takes a moment where something was decided since the last time."""
        from sood_tui.benches.progress import ProgressReader, goal_of

        self._progress = self._progress or ProgressReader()
        return self._progress.read(self.require_workspace(), goal_of(self.settings), superclass)

    @property
    def blind_for(self) -> str | None:
        """The reviewer who is to see their own decisions only; None while everything is shown."""
        return self.settings.reviewer if self.is_blind else None

    @property
    def is_guest(self) -> bool:
        """Whether another process has the workspace open, and this one works on what that one publishes."""
        return self._workspace is not None and self._workspace.guest is not None

    def open_workspace(self, workspace: Workspace) -> None:
        """Work in this workspace from now on; its catalogue is open."""
        self._take(workspace)
        self.place = _place_of(workspace, self.settings)
        self.take_settings()
        self._supervise()
        self.run_worker(self.action_go(self.place.screen))

    def take_settings(self) -> None:
        """Read the settings again, and let them hold at once."""
        flags: dict[str, Value | None] = {
            key: self.settings.values[key] for key, source in self.settings.sources.items() if source == "command line"
        }
        before = self.settings
        self.settings = load_settings(self.require_workspace().settings_file, flags)
        if self.settings.text("theme") != before.text("theme") and self.settings.text("theme") in self.available_themes:
            self.theme = self.settings.text("theme")
        if self.settings.text("review.blind") != before.text("review.blind"):
            self.is_blind = self.settings.text("review.blind") == "on"
        if self.settings.text("graphics") != before.text("graphics"):
            self.use_graphics(choose(self.settings.text("graphics"), self.terminal).graphics)
        self._workspace = replace(self.require_workspace(), seed=self.settings.integer("seed"))

    def _take(self, workspace: Workspace) -> None:
        remember(workspace.root)
        self._workspace = workspace
        self._thumbnails = None

    # ---- start and end ----

    def on_mount(self) -> None:
        """Look at the jobs once the first frame is there."""
        if self._workspace is not None:
            self.call_after_refresh(self._supervise)

    def _supervise(self) -> None:
        from sood_tui.watch.rounds import Rounds
        from sood_tui.watch.seats import same_name_words

        if self._alone:
            gc.collect()
            gc.enable()
            gc.freeze()  # what is loaded by now stays: later collections, and with them the longest frames, shorten
        if words := same_name_words(self.require_workspace(), self.settings.reviewer):
            self.notify(words, severity="warning", timeout=15, markup=False)
        self._rounds = Rounds(self, self.require_workspace(), self.settings.reviewer)
        self._rounds.begin()
        self.run_worker(lambda: self.thumbnails.prune(), thread=True, group="thumbnails")

    def keep_place(self) -> None:
        """Write down where the person is."""
        if self._workspace is not None:
            self.place.write(self._workspace.root, self.settings.reviewer if self.is_guest else "")

    def action_leave(self) -> None:
        """Leave; jobs go on, and every decision is already in the catalogue."""
        self.keep_place()
        self.exit(0)

    # ---- moving between screens ----

    async def action_go(self, mode: str) -> None:
        """Open a screen."""
        if self._workspace is None or mode == self.current_mode or self.screen.is_modal:
            return
        self._before = [*[kept for kept in self._before if kept != self.current_mode], self.current_mode][-8:]
        await self._open_mode(mode)
        self.keep_place()

    async def _open_mode(self, mode: str) -> None:
        is_new = mode not in self._opened
        self._opened.add(mode)
        self.place.screen = mode
        await self.switch_mode(mode)
        room = self._room()
        if room is not None and not is_new:
            room.enter()

    async def action_back(self) -> None:
        """Close what is open, or go back to the screen before."""
        room = self._room()
        if room is not None and room.close_something():
            return
        if self._before and self._workspace is not None:
            mode = self._before.pop()
            if mode in SCREEN_KEYS:
                await self._open_mode(mode)

    def action_help(self) -> None:
        """Show what every key does here."""
        from sood_tui.screens.help import HelpScreen

        room = self.current_mode
        self.push_screen(HelpScreen(SCREEN_TITLES[room], self.bound(BY_SCREEN[room]), self.bound(FRAME)))

    @property
    def way_to_superclasses(self) -> str:
        """How to make a superclass, in the user's keys."""
        browse, make = self.sign_of("frame.browse").upper(), self.sign_of("browse.superclass")
        return f"{browse} browses WordNet; {make} makes a synset a superclass."

    def action_tour(self) -> None:
        """Show around."""
        from sood_tui.screens.tour import TourScreen

        self.push_screen(TourScreen())

    def offer_tour(self) -> None:
        """Show a newcomer around, once."""
        from sood_tui.tour import take_tour

        if self._alone and not self.screen.is_modal and take_tour():
            self.action_tour()

    # ---- errors ----

    async def run_action(self, *args: Any, **kwargs: Any) -> bool:
        """Run an action; an expected error goes to the error desk."""
        try:
            if self.is_guest and not self.screen.is_modal:
                named = args[0] if isinstance(args[0], str) else args[0][1]
                if what := forbidden(self.current_mode, named):
                    self.require_workspace().require_owner(what)
            return await super().run_action(*args, **kwargs)
        except Exception as error:
            self.report(error)
            return True

    def report(self, error: BaseException) -> None:
        """The error desk: one sentence with what to do next. A bug is raised again, and ends the app.

        Names and paths in it are data, so it is never read as markup.
        """
        notice = describe(error)
        if notice is None:
            raise error
        text = f"{notice.message}\n{notice.hint}" if notice.hint else notice.message
        self.notify(text, severity=notice.severity, timeout=8, markup=False)

    def say(self, text: str) -> None:
        """A short word about what was done."""
        self.notify(text, timeout=3, markup=False)

    # ---- what the rounds bring ----

    @on(JobsSeen)
    def show_jobs(self, message: JobsSeen) -> None:
        """Hand the jobs to the screen in front, and say which ended."""
        from sood_tui.watch.jobs import end_words

        ended = {job.job_id for job in self.jobs if job.state in ("queued", "running")}
        for job in message.jobs:
            if job.job_id in ended and job.state not in ("queued", "running"):
                severity, words = end_words(job)
                self.notify(words, severity=severity, timeout=6 if job.state == "finished" else 12, markup=False)
        self.jobs = message.jobs
        room = self._standing_room()
        if room is not None:
            room.show_frame(self.counts, self.jobs)
            room.jobs_seen(self.jobs)

    @on(JobsTakenIn)
    def show_results(self, message: JobsTakenIn) -> None:
        """Results are in the catalogue: everything that shows them reads again."""
        for report in message.reports:
            if report.error is not None:
                self.report(report.error)
        self.post_message(CatalogueChanged())

    @on(CatalogueChanged)
    def read_again(self) -> None:
        """Counts and the screen in front follow the catalogue."""
        self.read_counts()
        room = self._standing_room()
        if room is not None:
            room.reload()

    @on(OthersDecided)
    def take_news(self, message: OthersDecided) -> None:
        """What others decided shows on the screen in front; who it was is told from time to time."""
        news, own = message.news, self.settings.reviewer
        for error in news.errors:
            self.report(error)
        if news.owner is not None:
            from sood_tui.watch.seats import owner_words

            self.notify(owner_words(news.owner), severity="warning", timeout=12, markup=False)
        if self._rounds is not None:
            self._rounds.arrived(entry.reviewer for entry in news.entries if entry.reviewer != own)
        self.read_counts()
        room = self._standing_room()
        if room is not None and (news.entries or news.is_renewed):
            room.others_decided(news.is_renewed)

    def on_unmount(self) -> None:
        """Leave the seat with the screen."""
        self.leave_seat()

    def leave_seat(self) -> None:
        """Take in what other seats decided by now, and let them know that nobody is here any more."""
        if self._rounds is not None:
            self._rounds.leave_seat()

    def read_counts(self) -> None:
        """Read the counts of the top bar soon."""
        if self._rounds is not None:
            self._rounds.count_soon()

    @on(Counted)
    def show_counts(self, message: Counted) -> None:
        """The top bar follows the catalogue."""
        self.counts = message.counts
        room = self._standing_room()
        if room is not None:
            room.show_frame(self.counts, self.jobs)

    def _room(self) -> "RoomScreen | None":
        from sood_tui.screens.room import RoomScreen

        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, RoomScreen)), None)

    def _standing_room(self) -> "RoomScreen | None":
        """The room that can show what is new."""
        room = self._room()
        return room if room is not None and room.stands else None


def _place_of(workspace: Workspace, settings: Settings) -> Place:
    return Place.read(workspace.root, "" if workspace.guest is None else settings.reviewer)
