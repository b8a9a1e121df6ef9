"""A binding: its id is `screen.verb`, its description the word in the footer, its tooltip the sentence in the help."""

from collections import defaultdict
from collections.abc import Iterable

from textual.binding import Binding

_SIGNS = {
    "question_mark": "?", "slash": "/", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "escape": "esc", "backspace": "bksp",
    "pagedown": "pgdn", "pageup": "pgup", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


def key(
    name: str, keys: str, action: str, word: str, sentence: str, show: bool = True, shown: str | None = None
) -> Binding:
    """A binding.

    Args:
        name: its id, `screen.verb`.
        keys: by their names, separated by commas.
        action: what they do.
        word: in the footer.
        sentence: in the help and the palette.
        show: whether the footer holds it.
        shown: the keys as screens show them, where that is not the first of them.
    """
    return Binding(keys, action, word, show=show, key_display=shown, tooltip=sentence, id=name)


def moves(screen: str) -> tuple[Binding, ...]:
    """The keys that move the cursor of a list, with arrows and letters."""
    return (
        key(f"{screen}.down", "down,j", "move(1)", "down", "One line down.", False, "↓ j"),
        key(f"{screen}.up", "up,k", "move(-1)", "up", "One line up.", False, "↑ k"),
        key(f"{screen}.page_down", "pagedown,ctrl+d", "move_page(1)", "page down", "A page down.", False, "pgdn"),
        key(f"{screen}.page_up", "pageup,ctrl+u", "move_page(-1)", "page up", "A page up.", False, "pgup"),
        key(f"{screen}.first", "home", "move_to_end(-1)", "first", "To the first line.", False),
        key(f"{screen}.last", "end,G", "move_to_end(1)", "last", "To the last line.", False, "end G"),
    )


def sign(binding: Binding) -> str:
    """How a binding's first key is shown on the screen."""
    return binding.key_display or _sign_of(binding.key.split(",")[0])


def signs(binding: Binding) -> str:
    """All keys of a binding, as the help shows them."""
    if binding.id == "splits.digits":
        return "0-9"
    return " ".join(_sign_of(name) for name in binding.key.split(","))


def clashes(bindings: Iterable[Binding]) -> dict[str, list[str]]:
    """Keys that several bindings claim, each with the ids that claim it."""
    owners: dict[str, list[str]] = defaultdict(list)
    for binding in bindings:
        for name in binding.key.split(","):
            owners[name].append(binding.id or binding.action)
    return {name: ids for name, ids in owners.items() if len(ids) > 1}


def _sign_of(name: str) -> str:
    return _SIGNS.get(name, name.replace("ctrl+", "^").replace("shift+", "⇧"))
