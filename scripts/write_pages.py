"""Write the pages of the manual that come from the program itself: keys and settings.

write_pages.py            write them
write_pages.py --check    say which are not up to date, and exit with 1
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from textual.binding import Binding

from sood_tui.keys.binding import signs
from sood_tui.keys.frame import FRAME
from sood_tui.keys.screens import BY_SCREEN, SCREEN_TITLES
from sood_tui.settings import SETTINGS, Setting

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by scripts/write_pages.py; `make pages` writes it again. -->"


def keys_page() -> str:
    """Every key of every screen with its sentence."""
    parts = [
        "# Keys",
        MADE,
        "Everything works with the keyboard alone, and with the mouse too. `?` shows this for the screen you are on.",
        "Keys are yours to change, in `~/.config/sood-tui/settings.toml`, by the names of the actions below:",
        '```toml\n[keys]\nreview.accept = "y"\nreview.reject = ["n", "ctrl+n"]\nreview.next = "right"\n```',
        "A key is a character, a name such as `space`, `enter`, `left` or `f9`, or one of them with `ctrl+`. Two\n"
        "actions of one screen, or one of a screen and one of the frame, cannot have the same key: the error names\n"
        "both. Footer, help and palette show your keys.",
        "## Everywhere",
        key_table(FRAME),
    ]
    for screen, bindings in BY_SCREEN.items():
        parts += [f"## {SCREEN_TITLES.get(screen, screen.title())}", key_table(bindings)]
    return "\n\n".join(parts) + "\n"


def key_table(bindings: Iterable[Binding]) -> str:
    """A table of keys."""
    rows = [
        f"| {marked_keys(binding)} | {plain(binding.tooltip or binding.description)} | `{binding.id}` |"
        for binding in bindings
    ]
    return "\n".join(["| keys | what they do | action |", "|---|---|---|", *rows])


def marked_keys(binding: Binding) -> str:
    """The keys of a binding as code."""
    return " ".join(f"`{key}`" for key in signs(binding).replace("|", "\\|").split())


def settings_page() -> str:
    """Every setting with its sentence, default and effect."""
    parts = [
        "# Settings",
        MADE,
        "The nearest source wins: a flag of the command line, an environment variable, the workspace's `sood.toml`,\n"
        "the user's `~/.config/sood-tui/settings.toml`, the default. The screen Settings shows where each value comes\n"
        "from. An unknown key or a value of the wrong kind is an error that names the file.",
        "\n".join(
            ["| key | variable | default | what it is | what a change changes |", "|---|---|---|---|---|"]
            + [setting_row(setting) for setting in SETTINGS]
        ),
        "`[keys]` in the user's file gives actions other keys; [Keys](keys.md) says how.",
        "`SOOD_WORKSPACE` names the workspace. `HF_HUB_OFFLINE` and `HF_HOME` are Hugging Face's own; `NO_COLOR` is\n"
        "respected.",
    ]
    return "\n\n".join(parts) + "\n"


def setting_row(setting: Setting) -> str:
    """One row of the table of settings."""
    default = f"`{setting.default}`" if setting.default != "" else "empty"
    sentence = setting.sentence + (f" One of {', '.join(setting.choices)}." if setting.choices else "")
    return f"| `{setting.key}` | `{setting.variable}` | {default} | {plain(sentence)} | {plain(setting.effect)} |"


def plain(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|")


PAGES = {"keys.md": keys_page, "settings.md": settings_page}


def main(arguments: list[str]) -> int:
    """Write or check every page."""
    late = [name for name, page in PAGES.items() if not is_current(DOCS / name, page())]
    for name in late:
        if "--check" in arguments:
            print(f"docs/{name} is not up to date: make pages", file=sys.stderr)
        else:
            (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
    return 1 if late and "--check" in arguments else 0


def is_current(path: Path, text: str) -> bool:
    """Whether the page holds the text already."""
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
