"""Every key of every screen, with the sentence that explains it: footer, help, palette and tests read this.

A binding's id is `screen.verb`; its description is the word in the footer, its tooltip the sentence in the help.
"""

from collections import defaultdict
from collections.abc import Iterable

from textual.binding import Binding

SCREEN_KEYS = {
    "home": "f2", "browse": "f3", "review": "f4", "jobs": "f5", "splits": "f6", "evaluate": "f7", "settings": "f8",
}  # fmt: skip
SCREEN_TITLES = {
    "home": "Home", "browse": "Browse", "review": "Review", "jobs": "Jobs", "splits": "Splits", "evaluate": "Evaluate",
    "settings": "Settings",
    "start": "Start", "picture": "One picture", "labels": "Labels", "duplicates": "Duplicates",
}  # fmt: skip


def _key(
    name: str, key: str, action: str, word: str, sentence: str, show: bool = True, shown: str | None = None
) -> Binding:
    return Binding(key, action, word, show=show, key_display=shown, tooltip=sentence, id=name)


FRAME = (
    _key("frame.help", "question_mark", "app.help", "help", "Show what every key does here.", shown="?"),
    _key("frame.tour", "f1", "app.tour", "tour", "A short tour of the screens.", False),
    _key("frame.palette", "ctrl+p", "app.command_palette", "palette", "Find any action by its name.", False),
    _key("frame.home", "f2", "app.go('home')", "home", "The funnel, what to do next, jobs and decisions.", False),
    _key("frame.browse", "f3", "app.go('browse')", "browse", "WordNet as a tree, with pictures.", False),
    _key("frame.review", "f4", "app.go('review')", "review", "Decide on candidates, one key each.", False),
    _key("frame.jobs", "f5", "app.go('jobs')", "jobs", "What runs, what waits, what ended.", False),
    _key("frame.splits", "f6", "app.go('splits')", "splits", "Move the thresholds of Easy and Hard.", False),
    _key("frame.evaluate", "f7", "app.go('evaluate')", "evaluate", "Detectors on your splits, with numbers.", False),
    _key("frame.settings", "f8", "app.go('settings')", "settings", "Every setting, and where it comes from.", False),
    _key(
        "frame.graphics",
        "ctrl+g",
        "app.cycle_graphics",
        "pictures",
        "Draw pictures in the next way, or not at all.",
        False,
    ),
    _key("frame.suspend", "ctrl+z", "app.suspend_process", "shell", "To the shell for a while; fg comes back.", False),
    _key("frame.back", "escape", "app.back", "back", "Close what is open, or go back to the screen before.", False),
    _key("frame.quit", "q", "app.leave", "quit", "Leave. Jobs go on without the screen.", False),
    _key("frame.interrupt", "ctrl+c", "app.help_quit", "", "Says how to leave; nothing is lost by it.", False),
)


def _moves(screen: str) -> tuple[Binding, ...]:
    return (
        _key(f"{screen}.down", "down,j", "move(1)", "down", "One line down.", False, "↓ j"),
        _key(f"{screen}.up", "up,k", "move(-1)", "up", "One line up.", False, "↑ k"),
        _key(f"{screen}.page_down", "pagedown,ctrl+d", "move_page(1)", "page down", "A page down.", False, "pgdn"),
        _key(f"{screen}.page_up", "pageup,ctrl+u", "move_page(-1)", "page up", "A page up.", False, "pgup"),
        _key(f"{screen}.first", "home", "move_to_end(-1)", "first", "To the first line.", False),
        _key(f"{screen}.last", "end,G", "move_to_end(1)", "last", "To the last line.", False, "end G"),
    )


START = (
    _key("start.choose", "enter", "choose", "choose", "Do what the cursor stands on."),
    _key("start.open", "o", "open", "open", "Open a workspace by its folder."),
    _key("start.new", "n", "new", "new", "Make a new workspace, with WordNet in it."),
    _key("start.demo", "d", "demo", "demo", "The whole walk on made-up pictures, without a download."),
    *_moves("start"),
)

HOME = (
    _key("home.next", "enter", "next_step", "next step", "Go to the screen of the line under the cursor."),
    _key("home.undo", "u", "undo", "undo", "Take back the last decision."),
    _key("home.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    *_moves("home"),
)

BROWSE = (
    _key("browse.accept", "a", "decide('accept')", "accept", "Accept this synset as a subclass."),
    _key("browse.reject", "r", "decide('reject')", "reject", "Reject this synset."),
    _key("browse.unsure", "i", "decide('unsure')", "unsure", "Mark it as unsure: a second look decides.", False),
    _key("browse.superclass", "s", "make_superclass", "superclass", "Make this synset a superclass."),
    _key(
        "browse.find", "slash", "find", "find", "Find a synset by lemma, name, wnid or words of its gloss.", shown="/"
    ),
    _key("browse.undo", "u", "undo", "undo", "Take back the last decision."),
    _key("browse.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    _key("browse.review", "o", "open_review", "open in Review", "Open this superclass or candidate in Review."),
    _key(
        "browse.accept_all",
        "A",
        "decide_subtree('accept')",
        "accept subtree",
        "Accept every candidate at and under this synset; asks first, with the count.",
    ),
    _key(
        "browse.reject_all",
        "R",
        "decide_subtree('reject')",
        "reject subtree",
        "Reject every candidate at and under this synset; asks first, with the count.",
    ),
    _key("browse.facts_down", "J", "scroll_facts(3)", "facts down", "Scroll the facts down.", False),
    _key("browse.facts_up", "K", "scroll_facts(-3)", "facts up", "Scroll the facts up.", False),
    _key("browse.samples", "space", "other_samples", "other pictures", "Show other pictures of the same synset."),
    _key("browse.picture", "p", "large", "one large", "Show one picture as large as it goes."),
    _key(
        "browse.expand_all", "x", "expand_all", "expand all", "Unfold everything under this synset, or fold it again."
    ),
    _key("browse.toggle", "enter", "toggle_line", "fold", "Unfold or fold this synset.", False),
    _key("browse.open", "right,l", "unfold", "unfold", "Unfold, or go to the first synset below.", False, "→ l"),
    _key("browse.close", "left,h", "fold", "fold", "Fold, or go up to the synset above.", False, "← h"),
    _key(
        "browse.pictured",
        "w",
        "toggle_pictured",
        "with pictures",
        "Show only synsets with pictures in their subtree, or all of WordNet.",
    ),
    *_moves("browse"),
    _key("browse.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)

REVIEW = (
    _key("review.accept", "a", "decide('accept')", "accept", "Accept: it is a subclass of this superclass."),
    _key("review.reject", "r", "decide('reject')", "reject", "Reject: it is not."),
    _key("review.unsure", "s", "decide('unsure')", "unsure", "Unsure: a second look decides."),
    _key("review.undo", "u", "undo", "undo", "Take back the last decision, and go there."),
    _key("review.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    _key("review.facts_down", "J", "scroll_facts(3)", "facts down", "Scroll the facts down.", False),
    _key("review.facts_up", "K", "scroll_facts(-3)", "facts up", "Scroll the facts up.", False),
    _key("review.samples", "space", "other_samples", "other pictures", "Show other pictures of the same synset."),
    _key("review.picture", "enter", "large", "one large", "Show one picture as large as it goes."),
    _key("review.why", "y", "why", "why", "Tell the whole story: filters and what they saw, decisions, scores, split."),
    _key("review.sort", "t", "sort", "sort", "Choose the order of the queue."),
    _key("review.filter", "f", "filter", "filter", "Choose which candidates the queue holds."),
    _key(
        "review.find",
        "slash",
        "find",
        "find",
        "Find a candidate by lemma, name, wnid or words of its gloss.",
        shown="/",
    ),
    _key("review.jump", "g", "jump", "jump", "Go to a number, a percentage, a wnid or a name."),
    _key("review.mark", "v", "mark", "mark range", "Begin or end a range; the next decision is for all of it."),
    _key("review.rule", "w", "rule", "ruling", "Settle a dispute: a ruling stands before every other word.", False),
    _key("review.blind", "b", "blind", "blind", "Hide others' decisions, verdicts and scores, or show them.", False),
    _key("review.duplicates", "d", "app.go('duplicates')", "duplicates", "What is there twice: pictures, replicas."),
    _key("review.superclass", "c", "choose_superclass", "superclass", "Choose the superclass to review."),
    _key("review.note", "e", "note", "note", "Write a note to the decision on this candidate.", False),
    _key("review.clear", "backspace", "decide('clear')", "clear", "Put the candidate back among the undecided.", False),
    _key("review.next", "n,right,l,down,j", "move(1)", "next", "The next candidate.", False, "n → l"),
    _key("review.previous", "p,left,h,up,k", "move(-1)", "previous", "The candidate before.", False, "p ← h"),
    _key("review.next_open", "N", "next_open", "next open", "The next candidate that nobody decided on.", False),
    _key("review.page_down", "pagedown,ctrl+d", "move(10)", "ten on", "Ten candidates on.", False, "pgdn"),
    _key("review.page_up", "pageup,ctrl+u", "move(-10)", "ten back", "Ten candidates back.", False, "pgup"),
    _key("review.first", "home", "move_to_end(-1)", "first", "The first candidate of the queue.", False),
    _key("review.last", "end,G", "move_to_end(1)", "last", "The last candidate of the queue.", False, "end G"),
    _key("review.browse", "o", "open_browse", "open in Browse", "Show this synset in the tree.", False),
    _key("review.next_superclass", "tab", "next_superclass(1)", "next superclass", "The next superclass.", False),
    _key(
        "review.previous_superclass",
        "shift+tab",
        "next_superclass(-1)",
        "superclass before",
        "The superclass before.",
        False,
    ),
)

JOBS = (
    _key("jobs.new", "n", "new", "new job", "Begin a new job of any kind; the form says what it would take."),
    _key("jobs.cancel", "c", "cancel", "cancel", "End the job after its batch; what is done stays done."),
    _key("jobs.resume", "R", "resume", "resume", "Go on where a job stopped; nothing is done twice."),
    _key("jobs.pause", "p", "pause", "pause", "End after the shard in hand and free the device; R goes on."),
    _key("jobs.sooner", "plus,equals_sign", "priority(1)", "sooner", "Let a waiting job overtake.", shown="+ -"),
    _key("jobs.later", "minus", "priority(-1)", "later", "Let a waiting job be overtaken.", False),
    _key("jobs.log", "l,enter", "log", "log", "Show or hide what the job printed.", shown="l"),
    _key("jobs.undo", "u", "undo", "undo", "Take back the last decision.", False),
    *_moves("jobs"),
    _key("jobs.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)

SPLITS = (
    _key(
        "splits.hard_down",
        "left_square_bracket",
        "shift('hard', -1)",
        "Hard",
        "Move the Hard threshold down.",
        shown="[ ]",
    ),
    _key(
        "splits.hard_up",
        "right_square_bracket",
        "shift('hard', 1)",
        "Hard up",
        "Move the Hard threshold up.",
        False,
        "]",
    ),
    _key(
        "splits.easy_down",
        "left_curly_bracket",
        "shift('easy', -1)",
        "Easy",
        "Move the Easy threshold down.",
        shown="{ }",
    ),
    _key(
        "splits.easy_up",
        "right_curly_bracket",
        "shift('easy', 1)",
        "Easy up",
        "Move the Easy threshold up.",
        False,
        "}",
    ),
    _key("splits.which", "tab", "which", "which", "Choose the threshold that digits and the mouse move."),
    _key(
        "splits.digits",
        "0,1,2,3,4,5,6,7,8,9",
        "digit",
        "type a value",
        "Type the percentile of the chosen threshold.",
        shown="0-9",
    ),
    _key("splits.default", "d", "default", "default", "Go back to the thresholds of the settings."),
    _key(
        "splits.override",
        "o",
        "override",
        "only here",
        "Move the thresholds for this superclass only, or with all others.",
    ),
    _key("splits.separation", "v", "separation", "separation", "How this cut moves what the last evaluation measured."),
    _key("splits.remedy", "m", "remedy", "remedy", "Choose what happens where a list would be empty."),
    _key("splits.rules", "r", "rules", "rules", "Switch a rule; what it would remove is shown before it does."),
    _key("splits.put", "a", "put", "place", "Put the subclass under the cursor into a list, or out of the split."),
    _key("splits.superclasses", "s", "superclasses", "superclasses", "Every superclass, wanted and realised shares."),
    _key("splits.sensitivity", "i", "sensitivity", "sensitivity", "What the cut owes to percentiles, prompts, chance."),
    _key("splits.split", "w", "choose_split", "which split", "Look at another named split, or make one from this."),
    _key("splits.compare", "x", "compare", "compare", "This split beside another one: what moved, Jaccard, counts."),
    _key("splits.bands", "b", "bands", "bands", "Type percentiles for any number of bands."),
    _key("splits.export", "e", "export", "export", "Write the lists and the manifest."),
    _key("splits.undo", "u", "undo", "undo", "Take back the last change of a threshold."),
    _key("splits.redo", "U", "redo", "redo", "Bring back the change that was taken back last.", False),
    _key("splits.superclass", "c", "choose_superclass", "superclass", "Choose the superclass."),
    _key("splits.next", "n,right,l", "next_superclass(1)", "next superclass", "The next superclass.", False, "n → l"),
    _key(
        "splits.previous",
        "p,left,h",
        "next_superclass(-1)",
        "superclass before",
        "The superclass before.",
        False,
        "p ← h",
    ),
    _key("splits.pictures", "enter", "pictures", "pictures", "Show pictures of the subclass under the cursor.", False),
    *_moves("splits"),
)

EVALUATE = (
    _key("evaluate.new", "n", "new", "new run", "Begin an evaluation: methods, ID set and OOD sets."),
    _key(
        "evaluate.sweep",
        "w",
        "sweep",
        "sweep",
        "A sweep: of this line, the one at work, or a preview and then the exact one.",
    ),
    _key("evaluate.compare", "c", "compare", "compare", "Mark this line, or compare it with the marked one."),
    _key("evaluate.mistakes", "m", "mistakes", "mistakes", "Turn between OOD that looks like ID, and the opposite."),
    _key("evaluate.hurt", "x", "hurt", "recall", "Recall of each ID class; drop the words that cost it pictures."),
    _key("evaluate.sort", "t", "sort", "sort", "The next order: by run, AUROC, or either FPR95."),
    _key("evaluate.export", "e", "export", "export", "Write tables, scores and plots."),
    _key("evaluate.labels", "l", "app.go('labels')", "labels", "Several valid labels: queue of proposals, numbers."),
    _key("evaluate.choose", "g", "choose", "go to", "Go to an evaluation.", False),
    _key("evaluate.large", "enter", "large", "one large", "Show the worst mistake as large as it goes.", False),
    *_moves("evaluate"),
)

LABELS = (
    _key("labels.confirm", "a", "decide('confirm')", "confirm", "Confirm: the picture shows this label too."),
    _key("labels.reject", "r", "decide('reject')", "reject", "Reject: the label is not valid here."),
    _key("labels.confirm_all", "A", "decide_all('confirm')", "confirm all", "Confirm every open label of the picture."),
    _key("labels.reject_all", "R", "decide_all('reject')", "reject all", "Reject every open label of the picture."),
    _key("labels.undo", "u", "undo", "undo", "Take back the last decision on labels."),
    _key("labels.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    _key("labels.view", "tab", "next_view", "view", "Queue of proposals, numbers by k, synsets, bands of the split."),
    _key("labels.source", "s", "choose('source')", "source", "Choose whose labels the numbers take."),
    _key("labels.predictions", "c", "choose('predictions')", "classifier", "Choose whose predictions are measured."),
    _key("labels.other", "d", "choose('other')", "drop to", "Choose a second source: the drop to it in its parts."),
    _key("labels.large", "enter", "large", "one large", "Show one picture as large as it goes."),
    _key("labels.next", "n,right,l", "next_picture(1)", "next", "The next picture, or line.", False, "n → l"),
    _key("labels.previous", "p,left,h", "next_picture(-1)", "previous", "The picture before, or line.", False, "p ← h"),
    *_moves("labels"),
)  # fmt: skip

DUPLICATES = (
    _key(
        "duplicates.apply",
        "a",
        "apply",
        "leave out",
        "Leave out whatever goes, or settle all replicas, as one step; asks first, with the count.",
    ),
    _key(
        "duplicates.leave_this",
        "x",
        "leave_this",
        "only this",
        "Leave out the picture that goes in this line; of a replica, choose who keeps it.",
    ),
    _key(
        "duplicates.leave_other",
        "X",
        "leave_other",
        "the other",
        "Leave out the one that stays in this line, and keep the other.",
        False,
    ),
    _key(
        "duplicates.spare",
        "space",
        "spare",
        "keep both",
        "Keep both pictures of this line. Again: let the rule have it.",
    ),
    _key(
        "duplicates.cosine_down",
        "left_square_bracket",
        "shift_cosine(-1)",
        "cosine",
        "Lower the least cosine of embeddings: more pairs count.",
        shown="[ ]",
    ),
    _key(
        "duplicates.cosine_up",
        "right_square_bracket",
        "shift_cosine(1)",
        "cosine up",
        "Raise it; above 1 embeddings do not count.",
        False,
        "]",
    ),
    _key(
        "duplicates.bits_down",
        "left_curly_bracket",
        "shift_bits(-1)",
        "bits",
        "Fewer bits in which hashes may differ; below 0 they do not count.",
        shown="{ }",
    ),
    _key(
        "duplicates.bits_up",
        "right_curly_bracket",
        "shift_bits(1)",
        "bits up",
        "More bits, up to 7: more pairs count.",
        False,
        "}",
    ),
    _key(
        "duplicates.keep",
        "w",
        "keep",
        "what stays",
        "Choose the rule for what stays: larger, best scored, nearest, first.",
    ),
    _key(
        "duplicates.filter",
        "f",
        "filter",
        "filter",
        "All pairs, across lists of the split, across synsets, or within a list.",
    ),
    _key(
        "duplicates.view",
        "tab",
        "next_view",
        "replicas",
        "Pictures that are there twice, or synsets that two superclasses have.",
    ),
    _key(
        "duplicates.read",
        "r",
        "read",
        "read",
        "Read the pictures and compare the embeddings that are missing; again: stop.",
    ),
    _key("duplicates.undo", "u", "undo", "undo", "Take back the last decision."),
    _key("duplicates.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    _key(
        "duplicates.superclass",
        "c",
        "choose_superclass",
        "superclass",
        "Compare the pictures of one superclass, or of all.",
    ),
    _key(
        "duplicates.large",
        "enter",
        "large",
        "one large",
        "Show one of the two as large as it goes; arrows change to the other.",
    ),
    *_moves("duplicates"),
    _key("duplicates.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)

SETTINGS = (
    _key(
        "settings.edit",
        "enter",
        "edit",
        "change",
        "Type or choose another value; it is written to the workspace's sood.toml.",
    ),
    _key("settings.default", "d", "default", "default", "Remove the value from the workspace's sood.toml."),
    _key("settings.find", "slash", "find", "find", "Find a setting.", shown="/"),
    *_moves("settings"),
    _key("settings.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)

PICTURE = (
    _key("picture.next", "right,l,down,j,n,space", "move(1)", "next", "The next picture.", shown="→"),
    _key("picture.previous", "left,h,up,k,p", "move(-1)", "before", "The picture before.", shown="←"),
    _key("picture.bad", "x", "mark('bad')", "bad", "Bad or off-topic: out of scores and exports. Again: not so."),
    _key("picture.several", "m", "mark('several')", "several", "It shows several objects. Again: it does not."),
    _key("picture.why", "y", "why", "why", "Tell why this picture stands where it stands."),
    _key("picture.undo", "u", "undo", "undo", "Take back the last decision."),
    _key("picture.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    _key("picture.close", "escape,enter,q", "close", "close", "Back to the sheet.", shown="esc"),
)

WHY = (
    _key("why.sheet", "tab,n,space", "next_sheet", "next sheet", "Show what the next filter saw.", shown="tab"),
    _key("why.down", "down,j,J", "scroll(3)", "down", "Scroll the story down.", shown="↓"),
    _key("why.up", "up,k,K", "scroll(-3)", "up", "Scroll the story up.", shown="↑"),
    _key("why.close", "escape,y,q,enter", "close", "close", "Back to where it was opened.", shown="esc"),
)

BY_SCREEN: dict[str, tuple[Binding, ...]] = {
    "start": START, "home": HOME, "browse": BROWSE, "review": REVIEW, "jobs": JOBS, "splits": SPLITS,
    "evaluate": EVALUATE, "labels": LABELS, "settings": SETTINGS, "picture": PICTURE, "why": WHY,
    "duplicates": DUPLICATES,
}  # fmt: skip

MODAL = frozenset({"picture", "why"})
"""Dialogs with keys of their own: what lies below them is not heard."""

FIXED = frozenset({"splits.digits"})
"""Actions whose keys are what they mean: nobody gives them others."""

_SIGNS = {
    "question_mark": "?", "slash": "/", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "escape": "esc", "backspace": "bksp",
    "pagedown": "pgdn", "pageup": "pgup", "up": "↑", "down": "↓", "left": "←", "right": "→",
}  # fmt: skip


def every_binding() -> tuple[Binding, ...]:
    """The bindings of every screen, those of all screens first."""
    return tuple(binding for bindings in (FRAME, *BY_SCREEN.values()) for binding in bindings)


def sign(binding: Binding) -> str:
    """How a binding's first key is shown on the screen."""
    return binding.key_display or _sign_of(binding.key.split(",")[0])


def signs(binding: Binding) -> str:
    """All keys of a binding, as the help shows them."""
    if binding.id == "splits.digits":
        return "0-9"
    return " ".join(_sign_of(key) for key in binding.key.split(","))


def clashes(bindings: Iterable[Binding]) -> dict[str, list[str]]:
    """Keys that several bindings claim, each with the ids that claim it."""
    owners: dict[str, list[str]] = defaultdict(list)
    for binding in bindings:
        for key in binding.key.split(","):
            owners[key].append(binding.id or binding.action)
    return {key: ids for key, ids in owners.items() if len(ids) > 1}


def _sign_of(key: str) -> str:
    return _SIGNS.get(key, key.replace("ctrl+", "^").replace("shift+", "⇧"))
