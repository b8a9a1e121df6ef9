"""A person's own keys: what `[keys]` in their settings.toml says, checked, and the bindings that come of it."""

import difflib
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from engine.errors import EngineError
from sood_tui.keys.binding import clashes
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN, FIXED, MODAL, every_binding

Keymap = Mapping[str, str]
"""Keys by a binding's id, as Textual has them: names, separated by commas."""

_NAMED = {key.value for key in Keys} | set(KEY_NAME_REPLACEMENTS.values())
_MODIFIERS = ("ctrl", "shift", "alt", "super", "meta", "hyper")


def keymap_of(table: Mapping[str, object], source: str) -> dict[str, str]:
    """The keys that a person chose.

    Args:
        table: one key (``"y"``) or several (``["y", "ctrl+y"]``) by the id of an action, as the manual lists them.
        source: the file, for errors.

    Raises: EngineError for an unknown action, something that is no key, or a key that two actions of one screen would
        have; it names both.
    """
    keymap = {action: _keys(action, raw, source) for action, raw in table.items()}
    for screen, bindings in BY_SCREEN.items():
        heard = bindings if screen in MODAL else (*bindings, *FRAME)
        for key, ids in clashes(with_keymap(heard, keymap)).items():
            first, second = ids[:2]
            raise EngineError(
                f"{source} has the key {shown_key(key)} mean both {first} and {second}.",
                f"Give one of them another key under [keys]; {_keys_of(first)}, {_keys_of(second)} by default.",
            )
    return keymap


def with_keymap(bindings: Iterable[Binding], keymap: Keymap) -> tuple[Binding, ...]:
    """The bindings with the keys that a person chose."""
    return tuple(
        replace(binding, key=keymap[binding.id], key_display=None)
        if binding.id is not None and binding.id in keymap
        else binding
        for binding in bindings
    )


def shown_key(key: str) -> str:
    """A key as people write it in their settings."""
    return next((sign for sign in string.punctuation if _named(sign) == key), key)


def _keys(action: str, raw: object, source: str) -> str:
    known = [binding.id for binding in every_binding() if binding.id]
    if action not in known or action in FIXED:
        if action in FIXED:
            raise EngineError(f"{source} gives a key to {action}, which keeps its own.", f"Remove keys.{action}.")
        near = difflib.get_close_matches(action, known, n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else "docs/keys.md lists the actions of every screen."
        raise EngineError(f"{source} gives a key to the unknown action {action}.", hint)
    chosen: Sequence[object] = raw if isinstance(raw, list) else [raw]
    if not chosen:
        raise EngineError(f"{source} leaves {action} without a key.", f"Remove the line for {_keys_of(action)}.")
    return ",".join(_key(action, key, source) for key in chosen)


def _key(action: str, raw: object, source: str) -> str:
    *modifiers, name = raw.split("+") if isinstance(raw, str) and len(raw) > 1 else [raw]
    if isinstance(name, str) and set(modifiers) <= set(_MODIFIERS):
        if len(name) == 1 and name.isprintable() and name != " ":
            return "+".join([*modifiers, _named(name)])
        if name in _NAMED:
            return "+".join([*modifiers, name])
    raise EngineError(
        f"{source} gives {action} the key {raw!r}, which is no key.",
        'A key is a character ("y", "?"), a name ("f9", "space", "enter", "left"), or one with ctrl, as in "ctrl+y".',
    )


def _named(character: str) -> str:
    """The name that Textual has for the key of a character."""
    return next(iter(Binding.make_bindings([Binding(character, "")]))).key if character != "," else "comma"


def _keys_of(action: str) -> str:
    binding = next(binding for binding in every_binding() if binding.id == action)
    return f"{action} is {' '.join(shown_key(key) for key in binding.key.split(','))}"
