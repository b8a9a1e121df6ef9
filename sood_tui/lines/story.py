"""The story of a candidate or a picture as lines of a name and a text, for the command line and the screen alike."""

from collections.abc import Mapping

from engine.filters.disagreement import name_of
from engine.review.opinions import FilterOpinion
from engine.review.pictures import MARK_WORDS
from engine.review.placing import PicturePlace, SubclassPlace
from engine.review.story import Story
from sood_tui.marks import MARKS, SAID, route_words
from sood_tui.plain import ago, plain, some
from store.review.log import LogEntry
from store.review.queue import QueueItem

Line = tuple[str, str]
"""A name, empty where the line goes on, and what is said."""


def story_lines(story: Story) -> list[Line]:
    """What is known of a candidate, in the order in which it came to be known."""
    item = story.candidate
    lines = [
        ("candidate", f"{plain(item.name)}  {item.wnid}  under {plain(item.superclass)}"),
        ("gloss", plain(item.gloss)),
        ("state", state_words(item, story.origins)),
        ("route", route_words(item.route, item.depth)),
        ("pictures", f"{item.images:,}"),
    ]
    if item.similarity is not None:
        lines.append(("text match", f"{item.similarity:.4f}"))
    if item.similarity_mean is not None:
        lines.append(("mean score", f"{item.similarity_mean:.4f}, the mean cosine of its pictures with the prompt"))
    for opinion in story.opinions:
        lines += opinion_lines(opinion)
    lines += _named("rules", [f"{verdict.rule}: {plain(verdict.reason)}" for verdict in story.rules])
    others = [f"{plain(other.superclass)}: {state_words(other, story.origins)}" for other in story.others]
    lines += _named("also under", others)
    if story.conflict is not None:
        claims = [f"{plain(claim.origin_name)} gives {MARKS[claim.kind].word}" for claim in story.conflict.claims]
        lines += _named("conflict", claims)
    if story.audit is not None:
        lines.append(("audit", f"drawn from: {plain(story.audit)}"))
    marked = [f"{plain(one.path)}: {MARK_WORDS[one.mark]}, by {plain(one.reviewer)}" for one in story.marked]
    lines += _named("marked", marked)
    lines += _named("decisions", [entry_words(entry, story.origins) for entry in story.history] or ["none yet"])
    return lines


def opinion_lines(opinion: FilterOpinion) -> list[Line]:
    """What one filter said, of what it was asked, and how many pictures it saw."""
    verdict = opinion.verdict
    lines = [("filter", f"{plain(name_of(verdict))}: {verdict.outcome}"), ("", probability_words(opinion))]
    if verdict.question:
        lines.append(("", f"asked: {plain(verdict.question)}"))
    if verdict.answer:
        lines.append(("", f"answered: {plain(verdict.answer)}"))
    lines.append(("", plain(verdict.reason)))
    if verdict.image_ids:
        lines.append(("", f"saw {some(len(verdict.image_ids), 'picture')}"))
    return [line for line in lines if line[1]]


def probability_words(opinion: FilterOpinion) -> str:
    """P(yes) with its interval, calibrated, and the mass of yes and no tokens; empty where nothing was measured."""
    verdict, words = opinion.verdict, []
    if verdict.p_yes is not None:
        interval = ""
        if verdict.p_yes_low is not None and verdict.p_yes_high is not None:
            interval = f" ({verdict.p_yes_low:.2f}–{verdict.p_yes_high:.2f})"
        words.append(f"{'share' if verdict.kind == 'clip' else 'P(yes)'} {verdict.p_yes:.2f}{interval}")
    if opinion.calibrated is not None:
        words.append(f"calibrated {opinion.calibrated:.2f}")
    if verdict.mass is not None:
        words.append(f"mass {verdict.mass:.2f}")
    if verdict.margin is not None:
        words.append(f"margin {verdict.margin:+.2f}")
    return " · ".join(words)


def place_lines(place: SubclassPlace) -> list[Line]:
    """Where a subclass stands in the split, and by which rule."""
    lines = [
        ("split", f"{place.split}, scoring run {place.run_id}: {place.band or 'in no list'}"),
        ("", plain(place.rule)),
    ]
    if place.mean is not None:
        deviation = f" ± {place.standard_deviation:.4f}" if place.standard_deviation is not None else ""
        lines.append(
            ("subclass mean", f"{place.mean:.4f}{deviation} over {place.pictures:,} pictures, {place.kept:,} kept")
        )
    if place.percentiles is not None:
        low, high = place.percentiles
        lines.append(("percentile", f"its pictures are the {low:.1f} % to {high:.1f} % of {plain(place.superclass)}"))
    if place.thresholds:
        lines.append(("thresholds", " · ".join(f"{band} below {value:.4f}" for band, value in place.thresholds)))
    return lines


def picture_lines(place: PicturePlace) -> list[Line]:
    """Where a picture stands, and by which rule; its subclass is told by place_lines."""
    lines = [("picture", f"{place.band or 'in no list'}: {plain(place.rule)}")]
    if place.similarity is None or place.score is None:
        return lines
    lines.append(("score", f"{place.similarity:.4f} as a cosine, {place.score:.4f} normalised over the superclass"))
    lines.append(("percentile", f"{place.percentile:.1f} % of {plain(place.subclass.superclass)} score lower"))
    if place.fences is not None and place.quartiles is not None:
        verdict = "an outlier" if place.is_outlier else "no outlier"
        judged = verdict if place.is_judged else "not judged: its subclass has too few pictures, or the test is off"
        low, high = place.fences
        lines.append(("outlier test", f"{judged}; fences {low:.4f} to {high:.4f}"))
    return lines


def state_words(item: QueueItem, origins: Mapping[str, str]) -> str:
    """The state that stands, who gave it, when, whence, and why."""
    words = MARKS[item.state].word
    if item.inherited_from:
        words += f", {_inherited(item.inherited_from, origins)}"
    if item.reviewer and item.at:
        words += f", by {'a ruling of ' if item.is_adjudicated else ''}{plain(item.reviewer)}, {ago(item.at)}"
    return words + (f": “{plain(item.note)}”" if item.note else "")


def entry_words(entry: LogEntry, origins: Mapping[str, str]) -> str:
    """One line of the log."""
    mark = MARKS.get(entry.kind)
    words = mark.word if mark else SAID[entry.kind]
    words += " by ruling" if entry.is_adjudication else ""
    about = f"picture {plain(entry.path)}" if entry.path else f"under {plain(entry.superclass)}"
    whence = f", {_inherited(entry.inherited_from, origins)}" if entry.inherited_from else ""
    note = f": “{plain(entry.note)}”" if entry.note else ""
    undone = " (taken back)" if entry.undone else ""
    return f"{words} {about}, by {plain(entry.reviewer)}, {ago(entry.at)}{whence}{note}{undone}"


def _named(name: str, texts: list[str]) -> list[Line]:
    return [(name if place == 0 else "", text) for place, text in enumerate(texts)]


def _inherited(wnid: str, origins: Mapping[str, str]) -> str:
    word = plain(origins[wnid].replace("_", " ")) + " " if wnid in origins else ""
    return f"inherited from {word}{wnid}"
