"""The app: its modes, the supervision of jobs, the error desk, and the place that is kept for the next start."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from engine.errors import EngineError
from engine.workspace import Workspace
from sood_tui.keys.binding import sign
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN, SCREEN_KEYS, SCREEN_TITLES, every_binding
from sood_tui.keys.type_ahead import HoldsBack, TypeAhead
from sood_tui.messages import CatalogueChanged, JobsSeen, JobsTakenIn, OthersDecided
from sood_tui.notices import describe
from sood_tui.place import Place
from sood_tui.recent import remember
from sood_tui.seat_rules import forbidden
from sood_tui.settings import Settings, Value, load_settings
from sood_tui.terminal.graphics import NOT_ASKED, Graphics, Terminal, choose
from sood_tui.terminal.probe import asked
from store.connection import open_store
from store.errors import CatalogueLocked

if TYPE_CHECKING:
    from rich.console import RenderableType

    from engine.jobs.summary import JobSummary
    from engine.review.stopping import Progress
    from sood_tui.benches.progress import ProgressReader
    from sood_tui.screens.room import RoomScreen
    from sood_tui.watch.jobs import JobWatch
    from sood_tui.watch.seats import SeatWatch
    from sood_tui.widgets.pixel_layer import PixelLayer
    from sood_tui.widgets.thumbnails import Thumbnails

LOOK_EVERY = 0.5  # seconds between two looks at the job folders, and at the other seats
TELL_EVERY = 20.0  # seconds between two words about what others decided: a toast hides what lies below it
COUNT_AFTER = 0.3
OWNER_WENT = (
    "The sood-tui that had this workspace open has ended. What you decide is kept in your journal, and the next one "
    "takes it in. Leave and open the workspace again to have it yourself."
)
OWNER_CAME = "A sood-tui has this workspace open again and takes in what you decide."


def _screen(module: str, name: str) -> Callable[[], Screen[Any]]:
    # A screen's module is loaded when it is first opened, so that the first frame is early.
    return lambda: cast("Screen[Any]", getattr(import_module(f"sood_tui.screens.{module}"), name)())


class SoodApp(App[int], inherit_bindings=False):
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
        super().__init__()
        self.settings = settings
        self.set_keymap(settings.keys)
        self.graphics = graphics
        self.terminal = terminal
        self._pixels: PixelLayer | None = None
        self.ahead = TypeAhead(self, super().on_event, self._is_busy)
        self.key_at = 0.0
        self.last_key = ""
        self.counts: Mapping[str, str] = {}
        self.jobs: tuple[JobSummary, ...] = ()
        self.place = place
        self._workspace: Workspace | None = None
        self._thumbnails: Thumbnails | None = None
        self._watch: JobWatch | None = None
        self._progress: ProgressReader | None = None
        self.is_blind = settings.text("review.blind") == "on"
        self._seats: SeatWatch | None = None
        self._arrived: Counter[str] = Counter()
        self._tell_at = 0.0
        self._before: list[str] = []
        self._opened: set[str] = {self.DEFAULT_MODE}
        self._counting = False
        self._alone = alone
        if settings.text("theme") in self.available_themes:
            self.theme = settings.text("theme")
        if workspace is not None:
            self._take(workspace)

    # ---- the workspace ----

    @property
    def thumbnails(self) -> "Thumbnails":
        """The thumbnails of the open workspace."""
        from sood_tui.widgets.thumbnails import Thumbnails

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
        self.app_suspend_signal.subscribe(self, self._take_pixels_off)
        self.app_resume_signal.subscribe(self, self._paint_anew)
        if self._workspace is not None:
            self.call_after_refresh(self._supervise)

    def _supervise(self) -> None:
        from sood_tui.watch.jobs import JobWatch
        from sood_tui.watch.seats import SeatWatch, same_name_words

        if self._watch is None:
            self.set_interval(LOOK_EVERY, self._look_at_jobs)
            self.set_interval(LOOK_EVERY, self._look_at_seats)
            self.set_interval(TELL_EVERY / 4, self._tell_arrivals)
            if self._alone:
                gc.collect()
                gc.enable()
                gc.freeze()  # what is loaded by now stays: later collections, and with them the longest frames, shorten
        self._watch = JobWatch(self.require_workspace())
        self._seats = SeatWatch(self.require_workspace(), self.settings.reviewer)
        if words := same_name_words(self.require_workspace(), self.settings.reviewer):
            self.notify(words, severity="warning", timeout=15, markup=False)
        self._look_at_jobs()
        self._look_at_seats()
        self.read_counts()
        self.run_worker(lambda: self.thumbnails.prune(), thread=True, group="thumbnails")

    def keep_place(self) -> None:
        """Write down where the person is."""
        if self._workspace is not None:
            self.place.write(self._workspace.root, self.settings.reviewer if self.is_guest else "")

    def action_leave(self) -> None:
        """Leave; jobs go on, and every decision is already in the catalogue."""
        self.keep_place()
        self.exit(0)

    def exit(self, result: int | None = None, return_code: int = 0, message: "RenderableType | None" = None) -> None:
        """Leave, with no picture left on the terminal; it is still ours at this moment."""
        if self._pixels is not None:
            self._pixels.close()
        super().exit(result, return_code, message)

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

    def bound(self, bindings: Iterable[Binding]) -> tuple[Binding, ...]:
        """The bindings with the keys that the user gave to them."""
        if not self.settings.keys:
            return tuple(bindings)
        from sood_tui.keys.keymap import with_keymap

        return with_keymap(bindings, self.settings.keys)

    def sign_of(self, action: str) -> str:
        """The key of an action as screens show it."""
        return sign(next(iter(self.bound(binding for binding in every_binding() if binding.id == action))))

    # ---- pictures ----

    @property
    def pixel_layer(self) -> "PixelLayer":
        """The pictures in real pixels that lie over the text."""
        from sood_tui.widgets.pixel_layer import PixelLayer

        if self._pixels is None:
            self._pixels = PixelLayer(self, self.terminal, self.terminal.cell or (10, 20))
        return self._pixels

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        # Textual's own affair, and the only place that knows which cells a frame has written. In a version without it
        # pictures in pixels would not come back after a dialog; half blocks need none of this.
        super()._display(screen, renderable)
        if self._pixels is not None and renderable is not None:
            self._pixels.after_frame(renderable)

    def on_resize(self, event: events.Resize) -> None:
        """A cell may have another size in pixels than before."""
        if self._pixels is not None:
            self._pixels.measure(event.size, event.pixel_size)

    def _take_pixels_off(self, _: object = None) -> None:
        if self._pixels is not None:
            self._pixels.clear()

    def _paint_anew(self, _: object) -> None:
        """The terminal was the shell's for a while."""
        self._take_pixels_off()
        self.screen.refresh(layout=True)

    def action_cycle_graphics(self) -> None:
        """Draw pictures in the next way that this terminal has."""
        ways = self.terminal.ways
        place = ways.index(self.graphics) if self.graphics in ways else -1
        self.use_graphics(ways[(place + 1) % len(ways)])
        self.notify(f"Pictures: {self.graphics.value}", timeout=2)

    def use_graphics(self, graphics: Graphics) -> None:
        """Draw pictures in this way from now on, on every screen."""
        from sood_tui.widgets.contact_sheet import ContactSheet

        self.graphics = graphics
        for stack in self._screen_stacks.values():
            for screen in stack:
                for sheet in screen.query(ContactSheet):
                    sheet.use_graphics(graphics)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every action of this screen and of the frame, for the palette."""
        room = BY_SCREEN.get(self.current_mode, ())
        for binding in self.bound((*room, *FRAME)):
            if binding.description and binding.id not in ("frame.palette", "splits.digits"):
                # The palette reads its titles as markup, in which a bracket would begin a tag.
                key = sign(binding) if "[" not in sign(binding) else "left bracket"
                title = f"{binding.description[0].upper()}{binding.description[1:]}  ({key})"
                yield SystemCommand(title, binding.tooltip, partial(self.do_now, binding.action, screen))
        yield SystemCommand("Colours", "Choose one of Textual's themes.", self.action_change_theme)

    def do_now(self, action: str, screen: Screen[Any]) -> None:
        """Run an action that no key asked for: it means what is on the screen now."""
        self.key_at = time.monotonic()
        self.run_worker(self.run_action(action, screen))

    # ---- keys and errors ----

    async def on_event(self, event: events.Event) -> None:
        """Hand keys on one after the other, everything else at once."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self.ahead.press(event)
        else:
            await super().on_event(event)

    def _is_busy(self, key: events.Key | None) -> bool:
        if isinstance(self.screen, HoldsBack) and self.screen.holds_back(key):
            return True
        return any(worker.group.endswith("decisions") and not worker.is_finished for worker in self.workers)

    def is_everywhere(self, key: events.Key | None) -> bool:
        """Whether a key means the same on every screen, as those that go to another one."""
        keys = {name for binding in self.bound(FRAME) for name in binding.key.split(",")}
        return key is not None and key.key in keys

    def on_key(self, event: events.Key) -> None:
        """Remember when the key was pressed: what was on the screen at that moment is what it means."""
        self.key_at, self.last_key = event.time, event.key

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

    # ---- jobs and counts ----

    def _look_at_jobs(self) -> None:
        watch = self._watch
        if watch is not None and not watch.busy:
            self.run_worker(partial(self._look, watch), thread=True, group="job_watchers", exit_on_error=True)

    def _look(self, watch: "JobWatch") -> None:
        found = watch.look()
        if found is not None:
            self.post_message(JobsSeen(found))
        taken = watch.take_in()
        if taken:
            self.post_message(JobsTakenIn(tuple(taken)))

    @on(JobsSeen)
    def show_jobs(self, message: JobsSeen) -> None:
        """Hand the jobs to the screen in front, and say which ended."""
        ended = {job.job_id for job in self.jobs if job.state in ("queued", "running")}
        for job in message.jobs:
            if job.job_id in ended and job.state not in ("queued", "running"):
                self._say_end(job)
        self.jobs = message.jobs
        room = self._room()
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
        room = self._room()
        if room is not None:
            room.reload()

    # ---- other seats ----

    def _look_at_seats(self) -> None:
        seats = self._seats
        if seats is not None and not seats.busy:
            self.run_worker(partial(self._exchange, seats), thread=True, group="seats", exit_on_error=True)

    def _exchange(self, seats: "SeatWatch") -> None:
        news = seats.look()
        if not news.is_empty:
            self.post_message(OthersDecided(news))

    @on(OthersDecided)
    def take_news(self, message: OthersDecided) -> None:
        """What others decided shows on the screen in front; who it was is told from time to time."""
        news, own = message.news, self.settings.reviewer
        for error in news.errors:
            self.report(error)
        if news.owner is not None:
            self.notify(OWNER_CAME if news.owner else OWNER_WENT, severity="warning", timeout=12, markup=False)
        self._arrived.update(entry.reviewer for entry in news.entries if entry.reviewer != own)
        self._tell_arrivals()
        self.read_counts()
        room = self._room()
        if room is not None and (news.entries or news.is_renewed):
            room.others_decided(news.is_renewed)

    def _tell_arrivals(self) -> None:
        if self._arrived and time.monotonic() >= self._tell_at:
            from sood_tui.watch.seats import arrival_words

            self.notify(arrival_words(self._arrived), timeout=4, markup=False)
            self._arrived.clear()
            self._tell_at = time.monotonic() + TELL_EVERY

    def on_unmount(self) -> None:
        """Leave the seat with the screen."""
        self.leave_seat()

    def leave_seat(self) -> None:
        """Take in what other seats decided by now, and let them know that nobody is here any more."""
        if self._seats is not None:
            self._seats.close()
            self._seats = None

    def read_counts(self) -> None:
        """Read the counts of the top bar soon; many decisions in a row are counted once."""
        if self._workspace is not None and not self._counting:
            self._counting = True
            self.set_timer(COUNT_AFTER, self._begin_count)

    def _begin_count(self) -> None:
        self._counting = False
        self.run_worker(self._count, thread=True, exclusive=True, group="counters")

    def _count(self) -> None:
        from sood_tui.watch.jobs import funnel_counts

        counts = funnel_counts(self.require_workspace())
        self.call_from_thread(self._show_counts, counts)

    def _show_counts(self, counts: Mapping[str, str]) -> None:
        self.counts = counts
        room = self._room()
        if room is not None:
            room.show_frame(self.counts, self.jobs)

    def _say_end(self, job: "JobSummary") -> None:
        number = job.job_id.partition("-")[0].lstrip("0")
        if job.state == "finished":
            self.notify(f"Job #{number} is finished: {job.title}", timeout=6, markup=False)
        else:
            words = f" {job.message}" if job.message else ""
            self.notify(
                f"Job #{number} {job.state}: {job.title}.{words}\n{job.hint}".strip(),
                severity="warning" if job.state == "cancelled" else "error", timeout=12, markup=False,
            )  # fmt: skip

    def _room(self) -> "RoomScreen | None":
        from sood_tui.screens.room import RoomScreen

        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, RoomScreen)), None)


def _place_of(workspace: Workspace, settings: Settings) -> Place:
    return Place.read(workspace.root, "" if workspace.guest is None else settings.reviewer)


def run_app(workspace: Workspace | None, graphics: str | None = None) -> int:
    """Open the screens and come back when the person leaves.

    Returns: the exit code.

    Where another process has the workspace open, this one sits down as its guest.

    Raises: StoreError when the catalogue is open in a command, or is none; EngineError when no guest can sit down.
    """
    settings = load_settings(workspace.settings_file if workspace else None, {"graphics": graphics})
    wanted = settings.text("graphics")
    with asked(wanted) as question:
        opened = _place_in(workspace, settings.reviewer) if workspace else None
        terminal = question.answer() if question is not None else NOT_ASKED
    app = SoodApp(opened, settings, choose(wanted, terminal).graphics, alone=True, terminal=terminal)
    try:
        code = app.run()
    finally:
        gc.unfreeze()
        app.leave_seat()
        store = app.require_workspace().store if app.has_workspace else None
        if store is not None:
            store.close()
    return code if code is not None else app.return_code or 0


def _place_in(workspace: Workspace, reviewer: str) -> Workspace:
    try:
        return replace(workspace, store=open_store(workspace.catalogue))
    except CatalogueLocked:
        from sood_tui.cli.output import say
        from sood_tui.watch.seats import take_place

        return take_place(workspace, reviewer, say)
