"""Keys that mean the same on every screen."""

from sood_tui.keys.binding import key

FRAME = (
    key("frame.help", "question_mark", "app.help", "help", "Show what every key does here.", shown="?"),
    key("frame.tour", "f1", "app.tour", "tour", "A short tour of the screens.", False),
    key("frame.palette", "ctrl+p", "app.command_palette", "palette", "Find any action by its name.", False),
    key("frame.home", "f2", "app.go('home')", "home", "The funnel, what to do next, jobs and decisions.", False),
    key("frame.browse", "f3", "app.go('browse')", "browse", "WordNet as a tree, with pictures.", False),
    key("frame.review", "f4", "app.go('review')", "review", "Decide on candidates, one key each.", False),
    key("frame.jobs", "f5", "app.go('jobs')", "jobs", "What runs, what waits, what ended.", False),
    key("frame.splits", "f6", "app.go('splits')", "splits", "Move the thresholds of Easy and Hard.", False),
    key("frame.evaluate", "f7", "app.go('evaluate')", "evaluate", "Detectors on your splits, with numbers.", False),
    key("frame.settings", "f8", "app.go('settings')", "settings", "Every setting, and where it comes from.", False),
    key(
        "frame.graphics",
        "ctrl+g",
        "app.cycle_graphics",
        "pictures",
        "Draw pictures in the next way, or not at all.",
        False,
    ),
    key("frame.suspend", "ctrl+z", "app.suspend_process", "shell", "To the shell for a while; fg comes back.", False),
    key("frame.back", "escape", "app.back", "back", "Close what is open, or go back to the screen before.", False),
    key("frame.quit", "q", "app.leave", "quit", "Leave. Jobs go on without the screen.", False),
    key("frame.interrupt", "ctrl+c", "app.help_quit", "", "Says how to leave; nothing is lost by it.", False),
)
