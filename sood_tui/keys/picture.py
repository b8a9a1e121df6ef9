"""Keys of one large picture."""

from sood_tui.keys.binding import key

PICTURE = (
    key("picture.next", "right,l,down,j,n,space", "move(1)", "next", "The next picture.", shown="→"),
    key("picture.previous", "left,h,up,k,p", "move(-1)", "before", "The picture before.", shown="←"),
    key("picture.bad", "x", "mark('bad')", "bad", "Bad or off-topic: out of scores and exports. Again: not so."),
    key("picture.several", "m", "mark('several')", "several", "It shows several objects. Again: it does not."),
    key("picture.why", "y", "why", "why", "Tell why this picture stands where it stands."),
    key("picture.undo", "u", "undo", "undo", "Take back the last decision."),
    key("picture.redo", "U", "redo", "redo", "Bring back the decision that was taken back last.", False),
    key("picture.close", "escape,enter,q", "close", "close", "Back to the sheet.", shown="esc"),
)
