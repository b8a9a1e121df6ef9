"""Type-ahead: keys that come faster than the screens answer wait for their turn. None is lost, none is heard twice.

A key is handed on when everything that the key before it began is done: the decision is in the catalogue, the queue is
read, the dialog has the keyboard. So a row of keys means what it would mean if one waited after each of them.
"""

import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, runtime_checkable

from textual import events
from textual.app import App
from textual.dom import DOMNode

LOOK_AGAIN = 0.004  # seconds between two looks at what a waiting key waits for
LOST_AFTER = 0.5  # seconds after which a key that nobody heard holds the others no longer

HELD_BY = (
    "decisions", "queue", "tree", "below ", "subtree", "superclass", "under", "claims", "turn", "rules", "preview",
    "splits",
)  # fmt: skip
"""What the groups of threads begin with that decide what the next key means, or open a dialog for it."""


@runtime_checkable
class HoldsBack(Protocol):
    """A screen that knows what keys must wait for there."""

    def holds_back(self, key: events.Key | None) -> bool:
        """Whether a key, or for None any key, must wait for what goes on."""


class TypeAhead:
    """The keys of an app in their order.

    Attributes:
        is_ahead: whether the key that is being heard was pressed before the answer to the one before it was painted.
            Such a key means what stands when its turn comes; any other means what was on the screen when it was
            pressed, whatever has changed there since without a key.
    """

    def __init__(
        self,
        app: App[Any],
        hand_on: Callable[[events.Key], Awaitable[None]],
        is_busy: Callable[[events.Key | None], bool],
    ) -> None:
        """Nothing is pressed yet.

        Args:
            app: gets the keys.
            hand_on: gives the app one key.
            is_busy: whether something goes on that a key, or for None any key, must wait for.
        """
        self._app, self._hand_on, self._is_busy = app, hand_on, is_busy
        self._waiting: deque[events.Key] = deque()
        self._number = 0
        self._is_under_way = False
        self._begun_at = 0.0
        self._heard = 0
        self._painted_at = 0.0
        self._looks_again = False
        self.is_ahead = False

    @property
    def is_idle(self) -> bool:
        """Whether everything that was pressed is done."""
        return not self._waiting and (not self._is_under_way or self._is_heard)

    @property
    def _is_heard(self) -> bool:
        return self._heard >= self._number or time.monotonic() - self._begun_at > LOST_AFTER

    async def press(self, key: events.Key) -> None:
        """Take a key: it is handed on at once where nothing is before it."""
        if self._waiting or (self._is_under_way and not self._is_heard) or self._is_busy(key):
            self._waiting.append(key)
            self._look_again()
        else:
            await self._begin(key)

    async def _begin(self, key: events.Key) -> None:
        self.is_ahead = key.time < self._painted_at
        self._painted_at = math.inf
        self._number += 1
        self._is_under_way, self._begun_at = True, time.monotonic()
        heard_by = self._app.focused or self._app.screen
        await self._hand_on(key)
        number = self._number
        # The second message follows what the key made its widget say, as a line of text says that it is complete.
        self._follow(heard_by, lambda: self._follow(heard_by, lambda: self._through(number)))

    def _follow(self, node: DOMNode, then: Callable[[], None]) -> None:
        """Send a message after the key, from queue to queue: when it comes to the app, the key has been there."""
        if node is self._app:
            self._app.call_later(then)
        elif not node.call_later(partial(self._follow, node.parent or self._app, then)):
            self._follow(self._app, then)  # the dialog that heard it is closing

    def _through(self, number: int) -> None:
        # The screen in front may be one that the key has opened: it hears keys when it has heard this.
        if not self._app.screen.call_later(self._app.call_later, self._done, number):
            self._app.call_later(self._done, number)

    async def _done(self, number: int) -> None:
        self._heard = max(self._heard, number)
        await self._serve()

    async def _serve(self) -> None:
        """Hand on the next key if everything before it is done; else look again soon."""
        next_key = self._waiting[0] if self._waiting else None
        if (self._is_under_way and not self._is_heard) or self._is_busy(next_key):
            if self._is_under_way or self._waiting:
                self._look_again()
            return
        if self._is_under_way:
            self._is_under_way = False
            self._app.call_after_refresh(self._painted, self._number)
        if self._waiting:
            await self._begin(self._waiting.popleft())

    def _look_again(self) -> None:
        if not self._looks_again:
            self._looks_again = True
            self._app.set_timer(LOOK_AGAIN, self._look)

    async def _look(self) -> None:
        self._looks_again = False
        if self._app.screen_stack:  # none is left while the app closes
            await self._serve()

    def _painted(self, number: int) -> None:
        if number == self._number:
            self._painted_at = time.monotonic()
