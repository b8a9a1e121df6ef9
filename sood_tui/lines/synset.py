"""What is known of a synset or a candidate, in lines of words."""

from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from textual.content import Content

from engine.review.opinions import FilterOpinion
from engine.review.stopping import Progress
from engine.review.subtrees import Conflict
from sood_tui.benches.folio import Folio
from sood_tui.benches.remarks import NOTHING, Remarks
from sood_tui.lines.stop import left_content, precision_content
from sood_tui.marks import MARKS, SAID, UNDER, route_words, under_of
from sood_tui.plain import ago, plain, some
from store.filters import Verdict
from store.review.log import LogEntry
from store.review.queue import QueueItem
from store.review.words import Word
from store.wordnet.lists import Membership
from store.wordnet.synsets import Synset

LIST_NAMES = {
    "imagenet_1k": "1K", "imagenet_12k": "12K", "imagenet_21k_p_fall11": "21K-P", "imagenet_21k_p_winter21": "21K-P",
    "imagenet_22k": "22K",
}  # fmt: skip
HISTORY_SHOWN = 6
NAME = 11  # columns of the names of facts


def words_of(synset: Synset) -> str:
    """The lemmas as people write them."""
    return plain(", ".join(lemma.replace("_", " ") for lemma in synset.lemmas))


def path_content(path: Iterable[Synset], width: int) -> Content:
    """The way from the root down, shortened in its middle to two lines."""
    names = [plain(synset.lemma.replace("_", " ")) for synset in path]
    shown = names[-1:]
    for name in reversed(names[1:-1]):
        if cell_len(" › ".join([names[0], "…", name, *shown])) > max(2 * width - 8, 20):
            shown = ["…", *shown]
            break
        shown = [name, *shown]
    way = [*names[:1], *shown] if len(names) > 1 else names
    above = "".join(f"{name} › " for name in way[:-1])
    return Content.assemble((above, "$foreground 60%"), (way[-1], "bold"))


def candidate_facts(
    item: QueueItem,
    folio: Folio | None,
    tally: Mapping[str, int],
    width: int,
    *,
    remarks: Remarks = NOTHING,
    progress: Progress | None = None,
    is_whole: bool = True,
) -> Content:
    """What Review says of a candidate; what is not read yet is left open.

    Args:
        item: its row in the queue.
        folio: what else is known of it.
        tally: candidates of the queue by state.
        width: columns of the text.
        remarks: what filters and rules say of it.
        progress: how far the review of its superclass is.
        is_whole: whether the queue holds every candidate, so that its tally tells how far the review is.
    """
    lines = [Content(plain(item.gloss)), Content("")]
    if folio is not None:
        lines += [path_content(folio.path, width), Content("")]
    lines += _opinions(remarks.opinions, width)
    lines += _standing(item, folio, remarks, width)
    lines += _row("pictures", Content(f"{item.images:,}"), width)
    lines += _row("route", Content(route_words(item.route, item.depth)), width)
    if item.similarity is not None:
        lines += _row("text match", Content(f"{item.similarity:.3f}"), width)
    if item.similarity_mean is not None:
        lines += _row("mean score", Content(f"{item.similarity_mean:.4f}"), width)
    for place, reason in enumerate(remarks.rules):
        lines += _row("" if place else "rules", Content.styled(plain(reason), "$text-warning"), width)
    if folio is not None:
        lines += _claims(folio, item.superclass, width)
        if len(folio.synset.lemmas) > 1:
            lines += _row("words", Content(words_of(folio.synset)), width)
        lines += _lists(folio.memberships, width)
    lines += [Content(""), *_tally_rows("so far" if is_whole else "in queue", tally, width)]
    if progress is not None:
        lines += _row("precision", precision_content(progress), width)
        lines += _row("good left", left_content(progress), width)
    if folio is not None:
        lines += _history(folio.history)
    return Content("\n").join(lines)


def synset_facts(
    folio: Folio,
    width: int,
    under: Mapping[str, int],
    roots: Sequence[str] = (),
    torn: Iterable[Conflict] = (),
) -> Content:
    """What Browse says of a synset.

    Args:
        folio: what is known of it.
        width: columns of the text.
        under: candidates at and under it by state; empty where there are none below.
        roots: the superclasses that it is a root of.
        torn: the contradictions that it inherits.
    """
    synset, mark = folio.synset, MARKS["superclass"]
    named = Content.styled(f"{mark.sign} {plain(', '.join(roots))}", mark.colour)
    lines = [
        Content.styled(words_of(synset), "bold"),
        Content(plain(synset.gloss)),
        Content(""),
        path_content(folio.path, width),
        Content(""),
        *_row("pictures", Content(_pictures(folio)), width),
        *(_row("superclass", named, width) if roots else []),
        *_claims(folio, "", width),
        *(row for conflict in torn for row in _row("conflict", _conflict(conflict), width)),
        *_under(under, width),
        *_lists(folio.memberships, width),
        *_history(folio.history),
    ]
    return Content("\n").join(lines)


def _standing(item: QueueItem, folio: Folio | None, remarks: Remarks, width: int) -> list[Content]:
    """The state, whence it came, and why."""
    rows = _row("state", _state(item), width)
    if item.inherited_from is not None:
        rows += _row("", Content(f"inherited from {_origin(item, folio)}"), width)
    others = [word for word in remarks.words if word.reviewer != item.reviewer]
    if others:
        rows += _row("others", _words(others), width)
    if remarks.conflict is not None:
        rows += _row("conflict", _conflict(remarks.conflict), width)
    if item.note:
        rows += _row("", Content.styled(f"“{plain(item.note)}”", "italic"), width)
    return rows


def _which(verdict: Verdict) -> str:
    """What tells filters of one model apart: how it was asked, and another seed than the usual one."""
    asked = {"picture": " singly", "compat": " as the paper"}.get(verdict.mode, "")
    return asked + (f" seed {verdict.seed}" if verdict.seed else "")


def _opinions(opinions: Iterable[FilterOpinion], width: int) -> list[Content]:
    """What each filter says: its probability and its word, calibrated, with the mass of its answer."""
    rows: list[Content] = []
    for opinion in opinions:
        verdict, name = opinion.verdict, "clip share" if opinion.verdict.kind == "clip" else "P(yes)"
        mark = MARKS.get(verdict.outcome)
        told = Content.assemble(
            (f"{_chance(verdict)}  " if verdict.p_yes is not None else "", "bold"),
            (f"{mark.sign} {mark.word}" if mark else verdict.outcome, mark.colour if mark else "$text-warning"),
            (f"  {plain(verdict.model).rpartition('/')[2]}{_which(verdict)}", "$foreground 60%"),
        )
        rows += _row(name, told, width)
        more = [f"calibrated {opinion.calibrated:.2f}"] if opinion.calibrated is not None else []
        more += [f"mass {verdict.mass:.2f}"] if verdict.mass is not None else []
        more += [f"“{plain(verdict.answer.strip())}”"] if verdict.answer and verdict.answer.strip() else []
        if more:
            rows += _row("", Content.styled(" · ".join(more), "$foreground 60%"), width)
    return [*rows, Content("")] if rows else []


def _chance(verdict: Verdict) -> str:
    """P(yes), with half its interval where it has one."""
    if verdict.p_yes is None or verdict.p_yes_low is None or verdict.p_yes_high is None:
        return "" if verdict.p_yes is None else f"{verdict.p_yes:.2f}"
    return f"{verdict.p_yes:.2f} ±{(verdict.p_yes_high - verdict.p_yes_low) / 2:.2f}"


def _origin(item: QueueItem, folio: Folio | None) -> str:
    name = folio.origins.get(item.superclass) if folio is not None else None
    return _word_of(name) if name is not None else str(item.inherited_from)


def _word_of(name: str) -> str:
    """The lemma in a name such as toy_dog.n.01, as people write it."""
    return plain(name.rsplit(".", 2)[0].replace("_", " "))


def _words(words: Iterable[Word]) -> Content:
    pieces: list[str | tuple[str, str]] = []
    for word in words:
        mark = MARKS[word.kind]
        pieces += [f"{plain(word.reviewer)} ", (f"{mark.sign} {mark.word}  ", mark.colour)]
    return Content.assemble(*pieces)


def _conflict(conflict: Conflict) -> Content:
    pieces: list[str | tuple[str, str]] = []
    for claim in conflict.claims:
        mark = MARKS[claim.kind]
        pieces += [f"{_word_of(claim.origin_name)} ", (f"{mark.sign} {mark.word}  ", mark.colour)]
    return Content.assemble(*pieces)


def _pictures(folio: Folio) -> str:
    below = folio.subtree_images
    return f"{folio.images:,}" if below == folio.images else f"{folio.images:,}, with all below {below:,}"


def _row(name: str, value: Content, width: int) -> list[Content]:
    """A name and a value beside it; a long value goes on below itself, not below the name."""
    wrapped = value.wrap(max(width - NAME, 10)) if value.cell_length > width - NAME else [value]
    return [
        Content.assemble(((name if place == 0 else "").ljust(NAME), "$foreground 60%"), line)
        for place, line in enumerate(wrapped)
    ]


def _state(item: QueueItem) -> Content:
    mark = MARKS[item.state]
    how = "  by a ruling of" if item.is_adjudicated else "  by"
    who = f"{how} {plain(item.reviewer)}, {ago(item.at)}" if item.reviewer and item.at else ""
    return Content.assemble((f"{mark.sign} {mark.word}", f"bold {mark.colour}"), (who, "$foreground 60%"))


def _tally_rows(name: str, tally: Mapping[str, int], width: int) -> list[Content]:
    """The numbers by state, each beside its sign however narrow it is."""
    lines: list[Content] = []
    for state, number in tally.items():
        piece = Content.styled(f"{MARKS[state].sign} {number:,}", MARKS[state].colour)
        if lines and lines[-1].cell_length + 2 + piece.cell_length <= width - NAME:
            lines[-1] = Content.assemble(lines[-1], "  ", piece)
        else:
            lines.append(piece)
    return [row for place, line in enumerate(lines) for row in _row("" if place else name, line, width)]


def _under(under: Mapping[str, int], width: int) -> list[Content]:
    if not under:
        return []
    mark = UNDER[under_of(under)]
    told = Content.assemble((f"{mark.sign} {mark.word}", mark.colour), f" of {some(sum(under.values()), 'candidate')}")
    tally = {state: under[state] for state in ("accept", "reject", "unsure", "pending") if under.get(state)}
    return [*_row("and below", told, width), *_tally_rows("", tally, width)]


def _claims(folio: Folio, own: str, width: int) -> list[Content]:
    rows: list[Content] = []
    for superclass, state in folio.claims.items():
        if superclass != own:
            mark = MARKS[state]
            origin = folio.origins.get(superclass)
            whence = (f"  from {_word_of(origin)}", "$foreground 60%") if origin is not None else ""
            claim = Content.assemble(f"{plain(superclass)} ", (f"{mark.sign} {mark.word}", mark.colour), whence)
            rows += _row(("also under" if own else "under") if not rows else "", claim, width)
    return rows


def _lists(memberships: Iterable[Membership], width: int) -> list[Content]:
    listed = {membership.list_name for membership in memberships}
    names = dict.fromkeys(name for list_name, name in LIST_NAMES.items() if list_name in listed)
    return _row("ImageNet", Content(" · ".join(names)), width) if names else []


def _history(history: tuple[LogEntry, ...]) -> list[Content]:
    lines = [Content(""), Content.styled("decisions", "$foreground 60%")] if history else []
    for entry in history[:HISTORY_SHOWN]:
        mark = MARKS.get(entry.kind)
        words = f"{mark.sign} {mark.word}" if mark else f"· {SAID.get(entry.kind, 'put back')}"
        words += " by ruling" if entry.is_adjudication else ""
        about = "for a picture" if entry.path else f"under {plain(entry.superclass)}"
        whence = ", inherited" if entry.inherited_from else ""
        note = f"  “{plain(entry.note)}”" if entry.note else ""
        told = f"{words} {about} by {plain(entry.reviewer)}, {ago(entry.at)}{whence}{note}"
        if entry.undone:
            lines.append(Content.styled(f"{told} (taken back)", "strike $foreground 60%"))
        else:
            lines.append(Content.styled(told, mark.colour if mark else ""))
    if len(history) > HISTORY_SHOWN:
        lines.append(Content.styled(f"and {len(history) - HISTORY_SHOWN} more", "$foreground 60%"))
    return lines
