"""The rounds: jobs, other seats and counts are looked at again and again, and what is found is told to the app."""

import time
from collections import Counter
from collections.abc import Iterable
from functools import partial

from textual.app import App

from engine.workspace import Workspace
from sood_tui.messages import Counted, JobsSeen, JobsTakenIn, OthersDecided
from sood_tui.watch.counts import funnel_counts
from sood_tui.watch.jobs import JobWatch
from sood_tui.watch.seats import SeatWatch, arrival_words

LOOK_EVERY = 0.5  # seconds between two looks at the job folders, and at the other seats
TELL_EVERY = 20.0  # seconds between two words about what others decided: a toast hides what lies below it
COUNT_AFTER = 0.3


class Rounds:
    """Looks in threads of the app, and posts messages to it. Its methods are called from the app's own thread."""

    def __init__(self, app: App[int], workspace: Workspace, reviewer: str) -> None:
        """Nothing was looked at yet.

        Args:
            app: hears what was found.
            workspace: open.
            reviewer: who sits here.
        """
        self._app = app
        self._workspace = workspace
        self._jobs = JobWatch(workspace)
        self._seats: SeatWatch | None = SeatWatch(workspace, reviewer)
        self._arrived: Counter[str] = Counter()
        self._tell_at = 0.0
        self._counting = False

    def begin(self) -> None:
        """Look once, and go on looking."""
        self._app.set_interval(LOOK_EVERY, self._look_at_jobs)
        self._app.set_interval(LOOK_EVERY, self._look_at_seats)
        self._app.set_interval(TELL_EVERY / 4, self.tell_arrivals)
        self._look_at_jobs()
        self._look_at_seats()
        self.count_soon()

    # ---- jobs ----

    def _look_at_jobs(self) -> None:
        if not self._jobs.busy:
            self._app.run_worker(self._watch_jobs, thread=True, group="job_watchers", exit_on_error=True)

    def _watch_jobs(self) -> None:
        found = self._jobs.look()
        if found is not None:
            self._app.post_message(JobsSeen(found))
        taken = self._jobs.take_in()
        if taken:
            self._app.post_message(JobsTakenIn(tuple(taken)))

    # ---- other seats ----

    def _look_at_seats(self) -> None:
        seats = self._seats
        if seats is not None and not seats.busy:
            self._app.run_worker(partial(self._exchange, seats), thread=True, group="seats", exit_on_error=True)

    def _exchange(self, seats: SeatWatch) -> None:
        news = seats.look()
        if not news.is_empty:
            self._app.post_message(OthersDecided(news))

    def arrived(self, reviewers: Iterable[str]) -> None:
        """Decisions of others are here, a name each: tell of them, unless that was done a moment ago."""
        self._arrived.update(reviewers)
        self.tell_arrivals()

    def tell_arrivals(self) -> None:
        """Say who decided how much since the last word about it."""
        if self._arrived and time.monotonic() >= self._tell_at:
            self._app.notify(arrival_words(self._arrived), timeout=4, markup=False)
            self._arrived.clear()
            self._tell_at = time.monotonic() + TELL_EVERY

    def leave_seat(self) -> None:
        """Take in what other seats decided by now, and let them know that nobody is here any more."""
        if self._seats is not None:
            self._seats.close()
            self._seats = None

    # ---- counts ----

    def count_soon(self) -> None:
        """Read the counts of the top bar soon; many decisions in a row are counted once."""
        if not self._counting:
            self._counting = True
            self._app.set_timer(COUNT_AFTER, self._begin_count)

    def _begin_count(self) -> None:
        self._counting = False
        self._app.run_worker(self._count, thread=True, exclusive=True, group="counters")

    def _count(self) -> None:
        self._app.post_message(Counted(funnel_counts(self._workspace)))
