"""Everything that Browse and Review show of one synset, read in one go by a thread."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.images.sample import sample_images, sample_subtree_images
from engine.review.blind import own_history
from engine.workspace import Workspace
from sood_tui.widgets.sheet.thumbnails import Picture
from store.connection import Cursor
from store.images.pictures import Image, fetch_count
from store.images.roots import fetch_roots
from store.paths import path_of_text
from store.review.log import LogEntry, fetch_history
from store.review.pictures import Mark, fetch_images_by_id, fetch_markers, fetch_marks, fetch_marks_of
from store.review.queue import State, fetch_origins_of, fetch_states_of
from store.wordnet.lists import Membership, fetch_memberships
from store.wordnet.synsets import Synset, fetch_hypernym_path


@dataclass(frozen=True, slots=True)
class Folio:
    """One synset.

    Attributes:
        path: from the root down to it, both included.
        memberships: the published lists that name it.
        claims: what each superclass that has it as a candidate says of it.
        origins: the name of the synset from which a superclass's decision is inherited, where it is.
        history: decisions on it, newest first.
        images: pictures of its own.
        subtree_images: pictures of it and of all below it.
        pictures: the sample that the sheet shows.
        of_subtree: whether the sample was drawn from all below it, since it has no pictures of its own.
        first: how many pictures of the order by seed come before the sample.
        marks: image_id to bad or several, of the pictures of the sample that were marked.
        markers: image_id to the reviewer whose mark that is.
    """

    path: tuple[Synset, ...]
    memberships: tuple[Membership, ...]
    claims: Mapping[str, State]
    origins: Mapping[str, str]
    history: tuple[LogEntry, ...]
    images: int
    subtree_images: int
    pictures: tuple[Picture, ...]
    of_subtree: bool
    first: int
    marks: Mapping[int, Mark]
    markers: Mapping[int, str]

    @property
    def synset(self) -> Synset:
        """The synset itself."""
        return self.path[-1]

    @property
    def total(self) -> int:
        """How many pictures the sample was drawn from."""
        return self.subtree_images if self.of_subtree else self.images


def read_folio(workspace: Workspace, wnid: str, count: int, page: int = 0) -> Folio:
    """Read a synset with a page of its pictures.

    Args:
        workspace: open.
        wnid: the synset.
        count: pictures on a page.
        page: from 0; past the last page it begins anew.

    Raises: UnknownWnid.
    """
    with workspace.opened().reading() as cursor:
        numbers = fetch_count(cursor, wnid)
        of_subtree = not numbers.images and numbers.subtree_images > 0
        total = numbers.subtree_images if of_subtree else numbers.images
        pages = max(1, -(-total // count))
        pictures = _pictures(cursor, _sample(cursor, workspace.seed, wnid, count, page % pages, of_subtree))
        image_ids = [picture.image_id for picture in pictures]
        marks = fetch_marks_of(cursor, image_ids) if of_subtree else fetch_marks(cursor, wnid)
        return Folio(
            tuple(fetch_hypernym_path(cursor, wnid)),
            tuple(fetch_memberships(cursor, wnid)),
            fetch_states_of(cursor, wnid),
            fetch_origins_of(cursor, wnid),
            tuple(fetch_history(cursor, wnid)),
            numbers.images,
            numbers.subtree_images,
            pictures,
            of_subtree,
            page % pages * count,
            marks,
            fetch_markers(cursor, list(marks)) if marks else {},
        )


def pictures_of(cursor: Cursor, image_ids: Sequence[int]) -> tuple[Picture, ...]:
    """Those of the pictures that are still there, in the order asked for."""
    found = {picture.image_id: picture for picture in _pictures(cursor, fetch_images_by_id(cursor, image_ids))}
    return tuple(found[image_id] for image_id in image_ids if image_id in found)


def seen_by(folio: Folio, blind_for: str | None) -> Folio:
    """What a blind reviewer sees of it: their own words only, and no other superclass's; None sees everything."""
    if blind_for is None:
        return folio
    marks = {image_id: mark for image_id, mark in folio.marks.items() if folio.markers[image_id] == blind_for}
    return replace(folio, claims={}, origins={}, history=own_history(folio.history, blind_for), marks=marks)


def read_pictures(workspace: Workspace, wnid: str, count: int, page: int = 0) -> tuple[Picture, ...]:
    """A page of the pictures of one synset, in the order that the workspace's seed draws."""
    with workspace.opened().reading() as cursor:
        return _pictures(cursor, sample_images(cursor, wnid, count, workspace.seed, page))


def _sample(cursor: Cursor, seed: int, wnid: str, count: int, page: int, of_subtree: bool) -> list[Image]:
    if of_subtree:
        # Drawn anew for each page: pages of a subtree may repeat a picture, but take no longer for being late.
        return sample_subtree_images(cursor, wnid, count, seed + page)
    return sample_images(cursor, wnid, count, seed, page)


def _pictures(cursor: Cursor, images: list[Image]) -> tuple[Picture, ...]:
    folders = {root_id: os.fspath(root.folder) for root_id, root in fetch_roots(cursor).items()}
    return tuple(
        Picture(image.image_id, os.path.join(folders[image.root_id], path_of_text(image.path))) for image in images
    )
