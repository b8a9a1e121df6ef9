"""Whether what somebody accepted was looked at again, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from store.review.evidence import Draw, Look

Basis = Literal["census", "audit", "chosen", "none"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A candidate that somebody accepted at first sight.

    Attributes:
        wnid: the synset.
        is_right: what a second look said; None where there was none.
        weight: how many candidates it stands for, if an audit drew it after it was accepted; else None.
    """

    wnid: str
    is_right: bool | None
    weight: float | None


def accepted_at_first(looks: Sequence[Look], drawn: Draw | None) -> Accepted | None:
    """What became of one candidate.

    A second look is a ruling, another reviewer's word, or the same reviewer's once an audit has drawn the candidate
    again. A ruling is the truth; else it is right only if nobody who looked again said anything but accept. Putting a
    candidate back as undecided begins anew.

    Args:
        looks: at one candidate, oldest first.
        drawn: the newest audit that drew it.

    Returns: None where it was never accepted.
    """
    cleared = max((place for place, look in enumerate(looks) if look.kind == "clear"), default=-1)
    since = looks[cleared + 1 :]
    first = next((place for place, look in enumerate(since) if look.kind == "accept"), None)
    if first is None:
        return None
    found, later = since[first], since[first + 1 :]
    weight = drawn.weight if drawn is not None and drawn.drawn_at >= found.at else None
    rulings = [look for look in since if look.is_adjudication]
    if rulings:
        return Accepted(found.wnid, rulings[-1].kind == "accept", weight)
    again = {
        look.reviewer: look.kind
        for look in later
        if look.reviewer != found.reviewer or (weight is not None and _is_after(look, drawn))
    }
    return Accepted(found.wnid, all(kind == "accept" for kind in again.values()) if again else None, weight)


def first_decided_after(looks: Sequence[Look], drawn_at: datetime) -> bool:
    """Whether a candidate was undecided when an audit drew it, and decided since."""
    return bool(looks) and looks[0].at > drawn_at


def basis_of(found: Sequence[Accepted]) -> tuple[Basis, list[Accepted]]:
    """Which second looks an estimate can rest on.

    Returns: census and all of them where everything was looked at again; audit and those that were drawn at random;
        chosen where people chose what to look at again, which is no random sample; none.
    """
    checked = [one for one in found if one.is_right is not None]
    if not checked:
        return "none", []
    if len(checked) == len(found):
        return "census", checked
    drawn = [one for one in checked if one.weight is not None]
    return ("audit", drawn) if drawn else ("chosen", checked)


def _is_after(look: Look, drawn: Draw | None) -> bool:
    return drawn is not None and look.at > drawn.drawn_at
