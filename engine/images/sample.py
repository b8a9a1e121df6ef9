"""Pictures drawn by a seed, so that everybody who looks sees the same ones and can say which they were."""

import bisect
import hashlib
import itertools

from store.connection import Cursor
from store.images.pictures import Image, fetch_sample, fetch_subtree_counts


def sample_images(cursor: Cursor, wnid: str, count: int, seed: int, page: int = 0) -> list[Image]:
    """Pictures of one synset, drawn by seed and wnid.

    All pages together hold each picture once; a page is shorter than ``count`` only at the end. The order does not
    depend on ids: it is the same in another workspace with the same roots, and new pictures do not change the order of
    the others.

    Args:
        count: pictures on a page.
        page: from 0.
    """
    return fetch_sample(cursor, wnid, _key(seed, wnid), count, page * count)


def sample_subtree_images(cursor: Cursor, wnid: str, count: int, seed: int) -> list[Image]:
    """Pictures of a synset and all that lies below it, each as likely as any other, drawn by seed and wnid.

    Returns: min(count, pictures there) of them, in an order that is drawn as well.
    """
    below = fetch_subtree_counts(cursor, wnid)
    ends = list(itertools.accumulate(row.images for row in below))
    total = ends[-1] if ends else 0
    wanted: dict[str, int] = {}
    drawn: list[tuple[str, int]] = []
    for place in _distinct_places(_key(seed, wnid), min(count, total), total):
        synset = below[bisect.bisect_right(ends, place)].wnid
        rank = wanted.get(synset, 0)
        wanted[synset] = rank + 1
        drawn.append((synset, rank))
    pictures = {synset: fetch_sample(cursor, synset, _key(seed, wnid), number) for synset, number in wanted.items()}
    return [pictures[synset][rank] for synset, rank in drawn]


def _key(seed: int, wnid: str) -> str:
    return f"{seed}/{wnid}"


def _distinct_places(key: str, count: int, total: int) -> list[int]:
    """``count`` different numbers below ``total``, drawn by the key; the same with every version of every library."""
    places: dict[int, None] = {}
    if 2 * count >= total:  # drawing until all are found would take long: shuffle by hash instead
        return sorted(range(total), key=lambda place: _number(f"{key}/{place}"))[:count]
    draw = 0
    while len(places) < count:
        places.setdefault(_number(f"{key}/{draw}") % total)
        draw += 1
    return list(places)


def _number(text: str) -> int:
    # 128 bits: the remainder by any number of pictures is uniform for all purposes.
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest())
