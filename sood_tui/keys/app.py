"""An app whose keys are a person's own and wait for their turn, and whose palette holds every action."""

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from sood_tui.keys.binding import sign
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN, every_binding
from sood_tui.keys.type_ahead import HoldsBack, TypeAhead
from sood_tui.terminal.app import TerminalApp
from sood_tui.terminal.graphics import Graphics, Terminal


class KeyedApp(TerminalApp):
    """Hears one key after the other.

    Attributes:
        ahead: the keys that were pressed, in their order.
        key_at: when the key was pressed whose action runs now, on the monotonic clock.
        last_key: its name.
    """

    def __init__(self, own_keys: Mapping[str, str], graphics: Graphics, terminal: Terminal) -> None:
        """The app, not running yet.

        Args:
            own_keys: keys that a person chose, by the id of a binding.
            graphics: how pictures are drawn.
            terminal: what it said that it can draw.
        """
        super().__init__(graphics, terminal)
        self._own_keys = own_keys
        self.set_keymap(own_keys)
        self.ahead = TypeAhead(self, super().on_event, self._is_busy)
        self.key_at = 0.0
        self.last_key = ""

    def bound(self, bindings: Iterable[Binding]) -> tuple[Binding, ...]:
        """The bindings with the keys that the user gave to them."""
        if not self._own_keys:
            return tuple(bindings)
        from sood_tui.keys.keymap import with_keymap

        return with_keymap(bindings, self._own_keys)

    def sign_of(self, action: str) -> str:
        """The key of an action as screens show it."""
        return sign(next(iter(self.bound(binding for binding in every_binding() if binding.id == action))))

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
