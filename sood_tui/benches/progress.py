"""How far the review is, read once for as long as nothing is decided: Review and Home ask for it again and again."""

import threading

from engine.review.stopping import Goal, Progress, progress
from engine.workspace import Workspace
from sood_tui.settings import Settings
from store.review.tail import fetch_last_rows


class ProgressReader:
    """Reads the progress of superclasses in a workspace; may be called from any thread."""

    def __init__(self) -> None:
        self._kept: dict[str | None, tuple[object, tuple[Progress, ...]]] = {}
        self._lock = threading.Lock()

    def read(self, workspace: Workspace, goal: Goal, superclass: str | None = None) -> tuple[Progress, ...]:
        """A row for each superclass with candidates, or for the one that is asked for; empty where it has none.

        Raises: EngineError if there is no such superclass.
        """
        store = workspace.opened()
        with self._lock, store.reading() as cursor:
            mark = (store.path, store.changes, fetch_last_rows(cursor), goal, workspace.seed)
            kept = self._kept.get(superclass)
            if kept is None or kept[0] != mark:
                kept = (mark, tuple(progress(cursor, goal, superclass, workspace.seed)))
                self._kept[superclass] = kept
            return kept[1]


def goal_of(settings: Settings) -> Goal:
    """The goal that the settings give.

    Raises: EngineError where they hold no fractions.
    """
    return Goal.of(settings.number("review.precision_goal"), settings.number("review.left_goal"))
