"""What proposals have yielded, and how far models, people and sources agree on labels."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from engine.filters.intervals import wilson
from engine.labels.formulas import LEAST_SHARE
from engine.labels.sources import labelled_images
from engine.review.agreement import agreement
from store.connection import Cursor
from store.images.pictures import fetch_places
from store.labels.claims import fetch_claims
from store.labels.decisions import fetch_label_opinions
from store.labels.proposals import fetch_label_runs, fetch_proposals
from store.labels.truth import fetch_sources

Sets = Mapping[int, frozenset[str]]
"""Picture -> wnids."""


@dataclass(frozen=True, slots=True)
class LabelYield:
    """What one model's proposals came to; shares are fractions in [0, 1] with Wilson 95 % intervals.

    Attributes:
        model: its key; `all models together` for the union.
        pictures: pictures that it looked at.
        proposed: labels it proposed beside the pictures' own.
        pictures_with_more: pictures for which it proposed any.
        judged, confirmed: of these labels, by people.
        precision: confirmed / judged; None where nothing was judged.
        own_rejected: pictures whose own label people rejected.
    """

    model: str
    pictures: int
    proposed: int
    pictures_with_more: int
    judged: int
    confirmed: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    own_rejected: int


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Two judges of the same labels.

    Attributes:
        kind: models, people (reviewers) or source (a model against imported truth).
        items: pictures, for people labels, that both spoke of.
        same: share of the pictures with the same set of labels; for people, of the labels judged alike.
        overlap: mean Jaccard index of the sets; for people Cohen's kappa. None where it is not defined.
        precision, recall: of the first against the second, over labels; of a model against a source only.
    """

    kind: str
    first: str
    second: str
    items: int
    same: float
    overlap: float | None
    precision: float | None = None
    recall: float | None = None


TOGETHER = "all models together"


def yields(cursor: Cursor) -> list[LabelYield]:
    """A row for each model that proposed labels, and one for all together where there are several."""
    by_model, own = _proposed(cursor)
    states = _states(cursor, {image_id for sets in by_model.values() for image_id in sets})
    if len(by_model) > 1:
        by_model = {**by_model, TOGETHER: _union(by_model.values())}
    return [_yield(model, sets, own, states) for model, sets in by_model.items()]


def agreements(cursor: Cursor) -> list[LabelAgreement]:
    """Models with one another, reviewers with one another, and models with imported sources."""
    by_model, _ = _proposed(cursor)
    rows = [_of_sets("models", a, b, by_model[a], by_model[b]) for a, b in combinations(by_model, 2)]
    rows += _of_people(cursor)
    for source in fetch_sources(cursor):
        truth = {image.image_id: frozenset(image.wnids) for image in labelled_images(cursor, source.source)}
        rows += [_of_sets("source", model, source.source, sets, truth) for model, sets in by_model.items()]
    return [row for row in rows if row is not None]


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Shared labels divided by all labels of both; 1 for two empty sets."""
    return len(first & second) / len(first | second) if first | second else 1.0


def _proposed(cursor: Cursor) -> tuple[dict[str, dict[int, frozenset[str]]], dict[int, str]]:
    """Model -> picture -> what it proposes (its own label may be among it), and the pictures' own labels."""
    keys = {run.set_id: run.model_key for run in fetch_label_runs(cursor)}
    found: dict[str, dict[int, set[str]]] = {}
    for row in fetch_proposals(cursor):
        labels = found.setdefault(keys[row.set_id], {}).setdefault(row.image_id, set())
        if row.share >= LEAST_SHARE:
            labels.add(row.wnid)
    places = fetch_places(cursor, sorted({image_id for sets in found.values() for image_id in sets}))
    frozen = {model: {image: frozenset(wnids) for image, wnids in sets.items()} for model, sets in found.items()}
    return frozen, {place.image_id: place.wnid for place in places}


def _union(sets: Iterable[Sets]) -> dict[int, frozenset[str]]:
    together: dict[int, frozenset[str]] = defaultdict(frozenset)
    for each in sets:
        for image_id, wnids in each.items():
            together[image_id] |= wnids
    return dict(together)


def _states(cursor: Cursor, image_ids: set[int]) -> dict[tuple[int, str], str]:
    claims = fetch_claims(cursor, sorted(image_ids))
    return {(claim.image_id, claim.wnid): claim.state for claim in claims}


def _yield(model: str, sets: Sets, own: Mapping[int, str], states: Mapping[tuple[int, str], str]) -> LabelYield:
    more = {image_id: wnids - {own.get(image_id, "")} for image_id, wnids in sets.items()}
    judged = [states[image_id, wnid] for image_id, wnids in more.items() for wnid in wnids]
    confirmed, rejected = judged.count("confirm"), judged.count("reject")
    low, high = wilson(confirmed, confirmed + rejected) if confirmed + rejected else (None, None)
    return LabelYield(
        model=model,
        pictures=len(sets),
        proposed=len(judged),
        pictures_with_more=sum(bool(wnids) for wnids in more.values()),
        judged=confirmed + rejected,
        confirmed=confirmed,
        precision=confirmed / (confirmed + rejected) if confirmed + rejected else None,
        precision_low=low,
        precision_high=high,
        own_rejected=sum(states.get((image_id, own.get(image_id, ""))) == "reject" for image_id in sets),
    )


def _of_sets(kind: str, first: str, second: str, a: Sets, b: Sets) -> LabelAgreement | None:
    both = sorted(a.keys() & b.keys())
    if not both:
        return None
    overlap = float(np.mean([jaccard(a[image], b[image]) for image in both]))
    same = sum(a[image] == b[image] for image in both) / len(both)
    if kind != "source":
        return LabelAgreement(kind, first, second, len(both), same, overlap)
    shared = sum(len(a[image] & b[image]) for image in both)
    said, true = (sum(len(sets[image]) for image in both) for sets in (a, b))
    return LabelAgreement(
        kind, first, second, len(both), same, overlap, shared / said if said else None, shared / true if true else None
    )


def _of_people(cursor: Cursor) -> list[LabelAgreement]:
    words: dict[str, dict[tuple[int, str], str]] = defaultdict(dict)
    for opinion in fetch_label_opinions(cursor):
        words[opinion.reviewer][opinion.image_id, opinion.wnid] = opinion.kind
    rows = []
    for first, second in combinations(sorted(words), 2):
        both = sorted(words[first].keys() & words[second].keys())
        if both:
            found = agreement([words[first][item] for item in both], [words[second][item] for item in both])
            rows.append(LabelAgreement("people", first, second, found.items, found.raw, found.kappa))
    return rows
