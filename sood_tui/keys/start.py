"""Keys of the start screen."""

from sood_tui.keys.binding import key, moves

START = (
    key("start.choose", "enter", "choose", "choose", "Do what the cursor stands on."),
    key("start.open", "o", "open", "open", "Open a workspace by its folder."),
    key("start.new", "n", "new", "new", "Make a new workspace, with WordNet in it."),
    key("start.demo", "d", "demo", "demo", "The whole walk on made-up pictures, without a download."),
    *moves("start"),
)
