"""Keys of Settings."""

from sood_tui.keys.binding import key, moves

SETTINGS = (
    key(
        "settings.edit",
        "enter",
        "edit",
        "change",
        "Type or choose another value; it is written to the workspace's sood.toml.",
    ),
    key("settings.default", "d", "default", "default", "Remove the value from the workspace's sood.toml."),
    key("settings.find", "slash", "find", "find", "Find a setting.", shown="/"),
    *moves("settings"),
    key("settings.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)
