"""Keys of Browse."""

from sood_tui.keys.binding import key, moves

BROWSE = (
    key("browse.accept", "a", "decide('accept')", "accept", "Accept this synset as a subclass."),
    key("browse.reject", "r", "decide('reject')", "reject", "Reject this synset."),
    key("browse.unsure", "i", "decide('unsure')", "unsure", "Mark it as unsure: a second look decides.", False),
    key("browse.superclass", "s", "make_superclass", "superclass", "Make this synset a superclass."),
    key("browse.find", "slash", "find", "find", "Find a synset by lemma, name, wnid or words of its gloss.", shown="/"),
    key("browse.undo", "u", "undo", "undo", "Take back the last decision."),
    key("browse.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    key("browse.review", "o", "open_review", "open in Review", "Open this superclass or candidate in Review."),
    key(
        "browse.accept_all",
        "A",
        "decide_subtree('accept')",
        "accept subtree",
        "Accept every candidate at and under this synset; asks first, with the count.",
    ),
    key(
        "browse.reject_all",
        "R",
        "decide_subtree('reject')",
        "reject subtree",
        "Reject every candidate at and under this synset; asks first, with the count.",
    ),
    key("browse.facts_down", "J", "scroll_facts(3)", "facts down", "Scroll the facts down.", False),
    key("browse.facts_up", "K", "scroll_facts(-3)", "facts up", "Scroll the facts up.", False),
    key("browse.samples", "space", "other_samples", "other pictures", "Show other pictures of the same synset."),
    key("browse.picture", "p", "large", "one large", "Show one picture as large as it goes."),
    key("browse.why", "y", "why", "why", "Tell the whole story of the candidate: filters, scores, decisions, split."),
    key("browse.expand_all", "x", "expand_all", "expand all", "Unfold everything under this synset, or fold it again."),
    key("browse.toggle", "enter", "toggle_line", "fold", "Unfold or fold this synset.", False),
    key("browse.open", "right,l", "unfold", "unfold", "Unfold, or go to the first synset below.", False, "→ l"),
    key("browse.close", "left,h", "fold", "fold", "Fold, or go up to the synset above.", False, "← h"),
    key(
        "browse.pictured",
        "w",
        "toggle_pictured",
        "with pictures",
        "Show only synsets with pictures in their subtree, or all of WordNet.",
    ),
    *moves("browse"),
    key("browse.top", "g", "move_to_end(-1)", "first", "To the first line.", False),
)
