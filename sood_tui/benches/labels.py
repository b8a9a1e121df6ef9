"""What the screen Labels shows, read in a thread: what waits for a person, numbers by k, classes, and bands."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import EngineError
from engine.labels.deciding import claims_of
from engine.labels.decomposition import decompose
from engine.labels.numbers import report, subgroups
from engine.labels.queue import items, proposal_queue, to_judge
from engine.labels.sets import JudgedSet, judge_images, judged_set, per_class
from engine.labels.sources import OWN, labelled_images
from engine.splits.crowding import check
from engine.splits.matching import cut_pictures, label_sizes, match
from engine.splits.prepare import prepare_with_pictures
from engine.workspace import Workspace
from sood_tui.plain import plain
from sood_tui.widgets.lines import Tone, Words
from sood_tui.widgets.sheet.thumbnails import Picture
from store.connection import Cursor
from store.errors import StoreError
from store.evaluation.sets import fetch_lemmas
from store.images.pictures import fetch_places
from store.labels.claims import LabelClaim
from store.labels.predictions import fetch_prediction_runs
from store.labels.truth import fetch_sources
from store.paths import path_of_text

VIEWS = ("queue", "numbers", "classes", "bands")
SHOWN = 500
"""Pictures of the queue, and pictures behind a number, that are listed; the panel says how many there are."""
BAR = 8
COLUMN = 7
SMALLEST = 30
SIGNS = {"confirm": "+", "reject": "-", "pending": "?"}


@dataclass(frozen=True, slots=True)
class LabelLine:
    """A line of the left panel, and the pictures behind it."""

    words: Words
    image_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelsView:
    """What the left panel holds, and what is said below it; sources and predictions are those that can be chosen."""

    view: str
    title: str
    head: str
    lines: tuple[LabelLine, ...]
    told: tuple[str, ...]
    sources: tuple[str, ...]
    predictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelsChoice:
    """What a person looks at; empty strings stand for the first that there is."""

    view: str = "queue"
    source: str = ""
    predictions: str = ""
    other: str = ""


def read_view(workspace: Workspace, choice: LabelsChoice) -> LabelsView:
    """Read one view; what it lacks is said in its place."""
    with workspace.opened().reading() as cursor:
        sources = (*(row.source for row in fetch_sources(cursor)), OWN)
        runs = tuple(run.predictions for run in fetch_prediction_runs(cursor))
        source = choice.source or sources[0]
        predictions = choice.predictions or (runs[-1] if runs else "")
        try:
            title, head, lines, told = _read(workspace, cursor, choice, source, predictions)
        except (EngineError, StoreError) as error:  # nothing to show yet is a state of this screen, not a mishap
            title, head, lines, told = choice.view, "", [], [f"{error.message} {error.hint}".strip()]
    return LabelsView(choice.view, title, head, tuple(lines), tuple(told), sources, runs)


def read_pictures(workspace: Workspace, image_ids: Sequence[int]) -> tuple[Picture, ...]:
    """Pictures by their numbers, in that order."""
    with workspace.opened().reading() as cursor:
        places = {place.image_id: place for place in fetch_places(cursor, list(image_ids))}
    found = [places[image_id] for image_id in image_ids if image_id in places]
    return tuple(Picture(one.image_id, os.path.join(path_of_text(one.folder), path_of_text(one.path))) for one in found)


def read_claims(workspace: Workspace, image_id: int) -> tuple[LabelClaim, ...]:
    """All labels of a picture, its own first."""
    with workspace.opened().reading() as cursor:
        return tuple(claims_of(cursor, image_id))


def label_line(workspace: Workspace, image_id: int) -> str:
    """All labels of a picture that anybody but its folder speaks of, with who says so; empty where nobody does."""
    claims = read_claims(workspace, image_id)
    if not any(claim.sources or claim.models or claim.reviewer for claim in claims):
        return ""
    return "labels: " + ", ".join(
        f"{claim.lemma.replace('_', ' ')} ({', '.join(_who(claim)) or 'marked here'})" for claim in claims
    )


def _who(claim: LabelClaim) -> list[str]:
    said = [*(["folder"] if claim.is_original else []), *claim.sources]
    said += [f"proposed by {model.partition('--')[0]}" for model in claim.models]
    return said + ([f"{claim.state}ed by {claim.reviewer}"] if claim.reviewer else [])


def claim_words(claim: LabelClaim) -> Words:
    """One label of a picture: its state, its name, and who says so."""
    tones: dict[str, Tone] = {"confirm": "good", "reject": "bad", "pending": "plain"}
    said = [*(["folder"] if claim.is_original else []), *claim.sources]
    said += [model.partition("--")[0] for model in claim.models]
    share = "" if claim.share is None else f" {claim.share:.2f}"
    by = f" · {claim.state}ed by {claim.reviewer}" if claim.reviewer else ""
    return (
        (f"{SIGNS[claim.state]} {plain(claim.lemma.replace('_', ' '))}", tones[claim.state]),
        (plain(f"  {', '.join(said) or 'marked here'}{share}{by}"), "muted"),
    )


Read = tuple[str, str, list[LabelLine], list[str]]


def _read(workspace: Workspace, cursor: Cursor, choice: LabelsChoice, source: str, predictions: str) -> Read:
    if choice.view == "queue":
        return _queue(cursor)
    if choice.view == "bands":
        return _bands(workspace, cursor, source, predictions)
    truth = labelled_images(cursor, source)
    if not truth:
        raise EngineError(f"No picture has labels in {source}.", "`sood-tui labels import` takes a file in.")
    judged = judge_images(cursor, predictions, truth, source) if predictions else None
    if choice.view == "classes":
        words = fetch_lemmas(cursor, sorted({image.original for image in truth}))
        rows = per_class(truth, {wnid: lemmas[0] for wnid, lemmas in words.items()}, judged)
        behind: dict[str, list[int]] = {}
        for image in truth:
            if len(image.wnids) >= 2:
                behind.setdefault(image.original, []).append(image.image_id)
        lines = [
            _columns(
                plain(row.lemma.replace("_", " ")),
                18,
                row.images,
                row.multi_label_share,
                (_percent(row.multi_label_share), _number(row.mean_labels), _percent(row.gap)),
                behind.get(row.wnid, []),
            )
            for row in rows
        ]
        head = _head("synset", 18, ("several", "mean k", "gap"))
        told = ["several: share with several labels; gap: ReaL accuracy less top-1. Shown are those with several."]
        return f"{source} by synset", head, lines, told
    if judged is None:
        raise EngineError("No classifier's predictions are here.", "`sood-tui evaluation predict` takes them in.")
    return _numbers(workspace, cursor, judged, source, predictions, choice.other)


def _queue(cursor: Cursor) -> Read:
    rows = proposal_queue(cursor)
    lines = []
    for item in items(cursor, rows[:SHOWN]):
        asked = to_judge(item)
        pending = sum(claim.state == "pending" for claim in asked)
        names = ", ".join(claim.lemma.replace("_", " ") for claim in asked)
        words: Words = ((f"{pending:>2} of {len(asked):<2} ", "accent"), (plain(names), "plain"))
        lines.append(LabelLine(words, (item.image.image_id,)))
    told = ["Pictures whose own label no model proposes come first. The number is the share of the best score."]
    told = told if rows else ["Nothing waits. `sood-tui labels propose` compares pictures with the names of classes."]
    return f"{len(rows):,} pictures wait", "open labels", lines, told


def _numbers(
    workspace: Workspace, cursor: Cursor, judged: JudgedSet, source: str, predictions: str, other: str
) -> Read:
    found, numbers = report(judged.numbers), judged.numbers
    lines = []
    for group in subgroups(numbers, SMALLEST):
        least = int(group.labels.rstrip("+"))
        inside = numbers.sizes >= least if group.labels.endswith("+") else numbers.sizes == least
        # The pictures that the classifier is worst at come first.
        order = np.argsort(numbers.recall[inside], kind="stable")[:SHOWN]
        shown = (group.recall, group.recall_low, group.recall_high, group.top1, group.real_accuracy, group.exact)
        behind = judged.image_ids[inside][order].tolist()
        lines.append(_columns(group.labels, 3, group.images, group.recall, [_percent(one) for one in shown], behind))
    told = [
        f"top-1 {_percent(found.top1)}, ReaL {_percent(found.real_accuracy)}, several labels "
        f"{_percent(found.multi_label_share)}, {found.images_without_label:,} pictures without a valid label.",
        ", ".join(f"{name} {_percent(value)}" for name, value in found.aggregates.items()),
        "Each aggregate is named by what it averages; none is called the paper's, whose equation was not recovered.",
    ]
    if other:
        second = judged_set(workspace, cursor, predictions, other)
        told.insert(0, decompose(numbers, second.numbers, "top1").sentence(source, other))
    head = _head("k", 3, ("recall", "from", "to", "top-1", "ReaL", "exact"))
    return f"{predictions} on {source}", head, lines, told


def _bands(workspace: Workspace, cursor: Cursor, source: str, predictions: str) -> Read:
    prepared, measured = prepare_with_pictures(cursor, workspace.seed)
    tuned = prepared.retune()
    found = check(cursor, prepared, measured, source, predictions or None, tuned)
    measured = match(cursor, prepared, tuned, measured)
    cut = cut_pictures(prepared, tuned, measured, label_sizes(cursor, source))
    lines = []
    for row in found.bands:
        inside = cut.is_kept & (cut.band == tuned.bands.index(row.split)) & (cut.sizes >= 2)
        if row.superclass:
            inside &= cut.superclass == prepared.superclasses.index(row.superclass)
        cells = (
            _percent(row.multi_label_share),
            _number(row.mean_labels),
            _percent(row.accuracy),
            _percent(row.accuracy_at_equal_labels),
        )
        name = f"{plain(row.superclass or 'all together'):<12.12} {row.split}"
        behind = measured.pictures.image_id[inside].tolist()
        lines.append(_columns(name, 18, row.pictures, row.multi_label_share, cells, behind))
    told = list(found.warnings) or ["Nothing says that Hard is only more crowded."]
    if found.drop is not None:
        told.append(found.drop.sentence(str(found.drop_from), found.bands[0].split))
    matched = {(row.superclass, row.split): row for row in found.matching}
    left = ", ".join(
        f"{split} {sum(row.pictures_matched for key, row in matched.items() if key[1] == split):,}"
        for split in dict.fromkeys(row.split for row in found.matching)
    )
    told.append(f"Matching numbers of labels would leave: {left}.")
    told.append("several: share with several labels; equal: ReaL accuracy if all bands had equally many labels.")
    head = _head("superclass   band", 18, ("several", "mean k", "ReaL", "equal"))
    return f"the split by {source}", head, lines, told


def _columns(
    name: str, width: int, images: int, share: float | None, cells: Sequence[str], image_ids: Sequence[int]
) -> LabelLine:
    """A line: name, number of pictures, a bar, and numbers under the words of the head."""
    numbers = "".join(f"{cell:>{COLUMN}}" for cell in cells)
    words: Words = (
        (f"{name:<{width}.{width}}{images:>7,} ", "plain"),
        (bar(share or 0.0), "accent"),
        (numbers, "plain"),
    )
    return LabelLine(words, tuple(image_ids[:SHOWN]))


def _head(name: str, width: int, columns: Sequence[str]) -> str:
    return f"{name:<{width}}{'images':>7} {'':<{BAR}}" + "".join(f"{column:>{COLUMN}}" for column in columns)


def bar(share: float) -> str:
    """A bar of BAR cells."""
    filled = round(max(0.0, min(1.0, share)) * BAR)
    return "█" * filled + "·" * (BAR - filled)


def _percent(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{100 * value:.1f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
