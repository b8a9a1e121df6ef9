"""Keys of the whole story of a candidate."""

from sood_tui.keys.binding import key

WHY = (
    key("why.sheet", "tab,n,space", "next_sheet", "next sheet", "Show what the next filter saw.", shown="tab"),
    key("why.down", "down,j,J", "scroll(3)", "down", "Scroll the story down.", shown="↓"),
    key("why.up", "up,k,K", "scroll(-3)", "up", "Scroll the story up.", shown="↑"),
    key("why.close", "escape,y,q,enter", "close", "close", "Back to where it was opened.", shown="esc"),
)
