"""The queue of proposed labels: pictures in the order in which a person wants to judge them."""

from dataclasses import dataclass
from typing import Literal, get_args

from engine.labels.sources import labelled_images
from store.connection import Cursor
from store.images.pictures import fetch_places
from store.labels import claims as store
from store.labels.claims import LabelClaim, QueuedImage

Order = Literal["doubt", "path"]

ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, slots=True)
class LabelItem:
    """A picture with everything that is said of its labels, its own label first."""

    image: QueuedImage
    claims: tuple[LabelClaim, ...]


def proposal_queue(cursor: Cursor, order: Order = "doubt", everything: bool = False) -> list[QueuedImage]:
    """Pictures whose proposals are not all judged.

    Args:
        order: doubt (own label not proposed first, then most labels proposed) or path.
        everything: also pictures whose only proposal is their own label, and those that are judged.
    """
    found = store.fetch_queue(cursor, everything)
    if order == "path":
        return sorted(found, key=lambda row: (row.root, row.path))
    return sorted(found, key=lambda row: (row.own_is_proposed, -row.proposed, row.image_id))


def items(cursor: Cursor, rows: list[QueuedImage]) -> list[LabelItem]:
    """The same pictures with all that is said of their labels."""
    claims: dict[int, list[LabelClaim]] = {row.image_id: [] for row in rows}
    for claim in store.fetch_claims(cursor, list(claims)):
        claims[claim.image_id].append(claim)
    return [LabelItem(row, tuple(claims[row.image_id])) for row in rows]


def to_judge(item: LabelItem) -> tuple[LabelClaim, ...]:
    """The labels that a person is asked about: the picture's own, what models or sources say, and what was marked."""
    return tuple(
        claim for claim in item.claims if claim.is_original or claim.models or claim.sources or claim.state != "pending"
    )


def flagged_queue(cursor: Cursor, source: str, image_ids: list[int]) -> list[QueuedImage]:
    """Pictures that a source speaks of, for people to judge what it says."""
    wanted = set(image_ids)
    known = {row.image_id: row for row in labelled_images(cursor, source) if row.image_id in wanted}
    places = fetch_places(cursor, list(known))
    claims = items(
        cursor, [QueuedImage(place.image_id, place.wnid, place.root, place.path, 0, 0, True) for place in places]
    )
    rows = []
    for item in claims:
        asked = to_judge(item)
        pending = sum(claim.state == "pending" for claim in asked)
        own = item.image.wnid in known[item.image.image_id].wnids
        image = item.image
        rows.append(QueuedImage(image.image_id, image.wnid, image.root, image.path, len(asked), pending, own))
    return rows
