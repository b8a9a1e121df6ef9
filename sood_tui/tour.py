"""The tour: a page a screen, in the keys that the person has, shown once by itself and again whenever asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its title, and its lines; words in braces are actions, in whose place their keys are shown."""

    title: str
    lines: tuple[str, ...]


PAGES = (
    Page("From a concept to a benchmark", (
        "The line on top is the walk: how much came through each room. The lit room is the one you are in.",
        "{frame.home} is Home: what stands, and what to do next; enter goes there. {frame.browse} to {frame.settings} "
        "open the other screens, and so does the mouse on the top line.",
        "{frame.help} tells what every key does on a screen, {frame.palette} finds any action by its name, "
        "{frame.back} goes back, {frame.quit} leaves. Jobs go on without the screen, and what is decided is on disk "
        "at once.",
    )),
    Page("Browse: all of WordNet", (
        "Folders of pictures by wnid come in with `sood-tui images add FOLDER`. The numbers beside a synset count "
        "them, with all below it.",
        "{browse.find} finds a synset by any of its words. {browse.superclass} makes it a superclass; what lies "
        "under it becomes candidates.",
        "{browse.accept} and {browse.reject} decide on one synset, {browse.accept_all} and {browse.reject_all} on "
        "everything under it, after showing how many.",
    )),
    Page("Review: one key, one candidate", (
        "{review.accept} accepts, {review.reject} rejects, {review.unsure} leaves it for a second look; then the next "
        "candidate stands there. {review.undo} takes anything back, without limit.",
        "{review.samples} shows other pictures, {review.picture} one as large as it goes, {review.why} why things "
        "stand as they do.",
        "{review.sort} and {review.filter} choose what comes first and what comes at all, {review.mark} marks a range.",
    )),
    Page("Jobs: filters and scores", (
        "Models judge candidates and score pictures in processes of their own. {jobs.new} begins one, with an "
        "estimate before it starts.",
        "{jobs.cancel} cancels, {jobs.pause} pauses, {jobs.resume} goes on; nothing is done twice, whatever is killed.",
    )),
    Page("Splits: train, Easy and Hard", (
        "The similarity of a subclass to its superclass places it. {splits.hard_down} move the threshold of Hard, "
        "{splits.easy_down} that of Easy, and everything follows at once.",
        "{splits.rules} switches rules, {splits.put} places a subclass by hand, {splits.export} writes lists and a "
        "manifest that anybody can verify.",
    )),
    Page("Evaluate: how hard it is", (
        "{evaluate.new} runs NegLabel and its kin on your splits, with both FPR95 and their intervals.",
        "{evaluate.mistakes} shows the worst mistakes as pictures, {evaluate.sweep} sweeps, {evaluate.compare} "
        "compares.",
        "That is all. {frame.tour} shows this again.",
    )),
)  # fmt: skip


def page_text(page: Page, key_of: Callable[[str], str]) -> list[list[tuple[str, bool]]]:
    """The paragraphs of a page in pieces: text, and whether it is a key.

    Args:
        page: what is told.
        key_of: the key of an action, as screens show it.
    """
    paragraphs = []
    for line in page.lines:
        pieces: list[tuple[str, bool]] = []
        for place, piece in enumerate(line.replace("}", "{").split("{")):
            if piece:
                pieces.append((key_of(piece), True) if place % 2 else (piece, False))
        paragraphs.append(pieces)
    return paragraphs


def take_tour() -> bool:
    """Whether this user has not been shown around yet; from now on they have.

    Where that cannot be written down nobody is shown around: better not at all than at every start.
    """
    seen = Path(platformdirs.user_state_dir("sood-tui")) / "tour-seen"
    if seen.exists():
        return False
    try:
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.touch()
    except OSError:
        return False
    return True
