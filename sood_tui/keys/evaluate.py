"""Keys of Evaluate."""

from sood_tui.keys.binding import key, moves

EVALUATE = (
    key("evaluate.new", "n", "new", "new run", "Begin an evaluation: methods, ID set and OOD sets."),
    key(
        "evaluate.sweep",
        "w",
        "sweep",
        "sweep",
        "A sweep: of this line, the one at work, or a preview and then the exact one.",
    ),
    key("evaluate.compare", "c", "compare", "compare", "Mark this line, or compare it with the marked one."),
    key("evaluate.mistakes", "m", "mistakes", "mistakes", "Turn between OOD that looks like ID, and the opposite."),
    key("evaluate.hurt", "x", "hurt", "recall", "Recall of each ID class; drop the words that cost it pictures."),
    key("evaluate.sort", "t", "sort", "sort", "The next order: by run, AUROC, or either FPR95."),
    key("evaluate.export", "e", "export", "export", "Write tables, scores and plots."),
    key("evaluate.labels", "l", "app.go('labels')", "labels", "Several valid labels: queue of proposals, numbers."),
    key("evaluate.choose", "g", "choose", "go to", "Go to an evaluation.", False),
    key("evaluate.large", "enter", "large", "one large", "Show the worst mistake as large as it goes.", False),
    *moves("evaluate"),
)
