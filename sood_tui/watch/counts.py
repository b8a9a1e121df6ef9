"""The counts of the top bar."""

from engine.workspace import Workspace
from sood_tui.plain import count
from store.status import fetch_funnel


def funnel_counts(workspace: Workspace) -> dict[str, str]:
    """What the top bar says behind each room's name; nothing behind a room that is still empty."""
    with workspace.opened().reading() as cursor:
        funnel = fetch_funnel(cursor)
    words = {
        "wordnet": funnel.noun_synsets,
        "images": funnel.images,
        "candidates": funnel.candidates,
        "filters": funnel.judged,
        "scoring": funnel.scored_images,
        "splits": funnel.splits,
        "export": funnel.exports,
        "evaluation": funnel.evaluations,
    }
    counts = {room: count(number) for room, number in words.items() if number}
    if funnel.candidates:
        counts["review"] = f"{count(funnel.pending)} left" if funnel.pending else "done"
    return counts
