"""Keys of Home."""

from sood_tui.keys.binding import key, moves

HOME = (
    key("home.next", "enter", "next_step", "next step", "Go to the screen of the line under the cursor."),
    key("home.undo", "u", "undo", "undo", "Take back the last decision."),
    key("home.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    *moves("home"),
)
