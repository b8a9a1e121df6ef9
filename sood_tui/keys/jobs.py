"""Keys of Jobs."""

from sood_tui.keys.binding import key, moves

JOBS = (
    key("jobs.new", "n", "new", "new job", "Begin a new job of any kind; the form says what it would take."),
    key("jobs.cancel", "c", "cancel", "cancel", "End the job after its batch; what is done stays done."),
    key("jobs.resume", "R", "resume", "resume", "Go on where a job stopped; nothing is done twice."),
    key("jobs.pause", "p", "pause", "pause", "End after the shard in hand and free the device; R goes on."),
    key("jobs.sooner", "plus,equals_sign", "priority(1)", "sooner", "Let a waiting job overtake.", shown="+ -"),
    key("jobs.later", "minus", "priority(-1)", "later", "Let a waiting job be overtaken.", False),
    key("jobs.log", "l,enter", "log", "log", "Show or hide what the job printed.", shown="l"),
    key("jobs.facts_down", "J", "scroll_facts(3)", "facts down", "Scroll what is said of the job down.", False),
    key("jobs.facts_up", "K", "scroll_facts(-3)", "facts up", "Scroll what is said of the job up.", False),
    key("jobs.undo", "u", "undo", "undo", "Take back the last decision.", False),
    *moves("jobs"),
    key("jobs.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)
