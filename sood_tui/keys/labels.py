"""Keys of Labels."""

from sood_tui.keys.binding import key, moves

LABELS = (
    key("labels.confirm", "a", "decide('confirm')", "confirm", "Confirm: the picture shows this label too."),
    key("labels.reject", "r", "decide('reject')", "reject", "Reject: the label is not valid here."),
    key("labels.confirm_all", "A", "decide_all('confirm')", "confirm all", "Confirm every open label of the picture."),
    key("labels.reject_all", "R", "decide_all('reject')", "reject all", "Reject every open label of the picture."),
    key("labels.undo", "u", "undo", "undo", "Take back the last decision on labels."),
    key("labels.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    key("labels.view", "tab", "next_view", "view", "Queue of proposals, numbers by k, synsets, bands of the split."),
    key("labels.source", "s", "choose('source')", "source", "Choose whose labels the numbers take."),
    key("labels.predictions", "c", "choose('predictions')", "classifier", "Choose whose predictions are measured."),
    key("labels.other", "d", "choose('other')", "drop to", "Choose a second source: the drop to it in its parts."),
    key("labels.large", "enter", "large", "one large", "Show one picture as large as it goes."),
    key("labels.next", "n,right,l", "next_picture(1)", "next", "The next picture, or line.", False, "n → l"),
    key("labels.previous", "p,left,h", "next_picture(-1)", "previous", "The picture before, or line.", False, "p ← h"),
    *moves("labels"),
)  # fmt: skip
