"""Duplicates under the fingers: compared once, settled anew with every key; and replicas by the same rules."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
from rich.cells import cell_len, set_cell_size

from engine.review.comparing import compare
from engine.review.decisions import preferred, replicas
from engine.review.duplicates import ACROSS, Across, Comparison, Duplicate, Keep, Rule, Settled
from engine.splits.formulas import Integers
from engine.splits.settings import SplitSettings
from engine.workspace import Workspace
from sood_tui.plain import plain, some
from sood_tui.widgets.lines import Tone, Words
from sood_tui.widgets.sheet.thumbnails import Picture
from store.candidates.superclasses import fetch_superclasses
from store.evaluation.sets import fetch_lemmas
from store.paths import path_of_text
from store.review.duplicates import RivalPicture
from store.review.queue import Claim, fetch_accepted_images
from store.splits.similarities import fetch_runs

STEP = 0.005
HIGHEST, LOWEST = 1.0, 0.9
MOST_BITS = 7
WIDE = 34  # columns of the name of what goes, so that most names of what stays begin below one another
KEEP_WORDS: dict[Keep, tuple[str, str]] = {
    "larger": ("the larger", "more pixels; of superclasses more pictures"),
    "score": ("the best scored", "highest score; of superclasses highest mean"),
    "nearest": ("the nearest", "fewest steps below the superclass"),
    "first": ("the first", "by root and path; of superclasses by name"),
}
ACROSS_WORDS: dict[Across, tuple[str, str]] = {
    "all": ("all pairs", "wherever they stand"),
    "splits": ("across lists", "one in train, the other in Easy or Hard"),
    "synsets": ("across synsets", "one synset's picture is another's, too"),
    "within": ("within a list", "the same list of the split holds both"),
}
assert tuple(ACROSS_WORDS) == ACROSS


@dataclass(frozen=True, slots=True)
class Found:
    """What is read of a workspace for the screen.

    Attributes:
        comparison: the pictures.
        lemmas: first lemma of each synset that has one of them, or is a replica.
        claims: on each replica, by wnid.
        sizes: accepted pictures of each superclass.
        superclasses: their names.
    """

    comparison: Comparison
    lemmas: Mapping[str, str]
    claims: Mapping[str, Sequence[Claim]]
    sizes: Mapping[str, int]
    superclasses: tuple[str, ...]


def read_found(
    workspace: Workspace, superclass: str | None, defaults: SplitSettings, before: Comparison | None = None
) -> Found:
    """Read everything once; takes as long as the pictures are many, so call it in a thread.

    Args:
        workspace: open.
        superclass: only its pictures; None: of all.
        defaults: what holds in a split that was not made yet.
        before: what was shown so far, which spares a part of the work.
    """
    with workspace.opened().reading() as cursor:
        names = tuple(row.superclass for row in fetch_superclasses(cursor))
        comparison = compare(workspace, superclass if superclass in names else None, defaults, before)
        runs = fetch_runs(cursor)
        claims = replicas(cursor, runs[-1].run_id if runs else None)
        wnids = sorted({one.wnid for one in comparison.pictures} | set(claims))
        lemmas = {wnid: words[0].replace("_", " ") for wnid, words in fetch_lemmas(cursor, wnids).items()}
        return Found(comparison, lemmas, claims, fetch_accepted_images(cursor), names)


@dataclass(slots=True)
class DuplicatesBench:
    """What was found, the rule that holds now, and the pairs that a person keeps whatever it says.

    sign: how the key of an action is shown; spared: image_ids of the pairs, the one that stays first.
    """

    found: Found
    sign: Callable[[str], str]
    rule: Rule = field(default_factory=lambda: Rule(near=3, cosine=0.97))
    spared: set[tuple[int, int]] = field(default_factory=set)
    settled: Settled = field(init=False)
    _image_ids: Integers = field(init=False)

    def __post_init__(self) -> None:
        self._image_ids = np.array([one.image_id for one in self.found.comparison.pictures], np.int64)
        if self.rule.keep == "score" and not self.found.comparison.has_run:
            self.rule = replace(self.rule, keep="larger")
        self.settled = self.found.comparison.settle(self.rule)

    def change(self, rule: Rule) -> None:
        """Settle by another rule."""
        self.settled = self.found.comparison.settle(rule)
        self.rule = rule

    def shift_cosine(self, steps: int) -> None:
        """Move the threshold of embeddings; above 1 they are left out of it."""
        now = HIGHEST + STEP if self.rule.cosine is None else self.rule.cosine
        moved = round(min(max(now + steps * STEP, LOWEST), HIGHEST + STEP), 4)
        self.change(replace(self.rule, cosine=None if moved > HIGHEST else moved))

    def shift_bits(self, steps: int) -> None:
        """Move the threshold of hashes; below 0 they are left out of it."""
        moved = min((-1 if self.rule.near is None else self.rule.near) + steps, MOST_BITS)
        self.change(replace(self.rule, near=None if moved < 0 else moved))

    # ---- pictures ----

    def pair(self, index: int) -> Duplicate | None:
        """The pair of a line."""
        found = self.found.comparison.duplicates(self.settled, index, index + 1) if index >= 0 else []
        return found[0] if found else None

    def place_of(self, pair: Duplicate | None) -> int | None:
        """The line of a pair under the rule that holds now."""
        if pair is None:
            return None
        ids = self._image_ids
        is_it = (ids[self.settled.stays] == pair.stays) & (ids[self.settled.goes] == pair.goes)
        return int(is_it.argmax()) if is_it.any() else None

    def leaving(self) -> list[Duplicate]:
        """Every pair but those that were spared."""
        pairs = self.found.comparison.duplicates(self.settled)
        return [pair for pair in pairs if (pair.stays, pair.goes) not in self.spared]

    def pictures(self, index: int) -> tuple[Picture, Picture]:
        """What stays and what goes in a line, to be shown."""
        known = self.found.comparison.pictures
        return _picture(known[int(self.settled.stays[index])]), _picture(known[int(self.settled.goes[index])])

    def lines(self) -> "PairLines":
        """The lines of the list."""
        return PairLines(self)

    def words(self, index: int) -> Words:
        """One line: how alike, what goes, what stays."""
        pair = self.pair(index)
        assert pair is not None
        is_spared = (pair.stays, pair.goes) in self.spared
        goes, stays = self._named(pair.goes_wnid, pair.goes_split), self._named(pair.stays_wnid, pair.stays_split)
        tone: Tone = "muted" if is_spared else "warn" if pair.is_across_splits else "plain"
        return [
            (f" {measure(pair):<8}", "muted" if is_spared else "accent"),
            (set_cell_size(f"{'+' if is_spared else '-'} {goes}", max(WIDE, cell_len(goes) + 4)), tone),
            (f"+ {stays}", "muted"),
        ]

    def told(self) -> tuple[str, str, str]:
        """Three lines above the list: what goes, by which rule, what is still missing."""
        compared, rule = self.found.comparison, self.rule
        exact, near, embedding = self.settled.counts
        spared = len(self.spared) and len(self.settled) - len(self.leaving())
        kept = f" · {spared} spared" if spared else ""
        what = (
            f"{len(self.settled) - spared:,} of {compared.listed:,} go: {exact:,} exact · {near:,} near · "
            f"{embedding:,} by embedding · {self.settled.across_splits:,} across{kept}"
        )
        hash_words = "off" if rule.near is None else f"≤ {rule.near} bits"
        cosine_words = "off" if rule.cosine is None else f"≥ {rule.cosine:.3f}"
        signs = {name: self.sign(f"duplicates.{name}") for name in ("bits_down", "cosine_down", "keep", "filter")}
        how = (
            f"{signs['bits_down']} hash {hash_words} · {signs['cosine_down']} cosine {cosine_words} · "
            f"{signs['keep']} keeps {KEEP_WORDS[rule.keep][0]} · {signs['filter']} {ACROSS_WORDS[rule.across][0]}"
        )
        return what, how, self.missing()

    def missing(self) -> str:
        """What was not compared yet, and how that changes; empty where nothing is missing."""
        compared = self.found.comparison
        unread = compared.listed - compared.compared
        waiting = compared.embedded - compared.compared_by_embedding
        words = [f"{some(unread, 'picture')} not read yet"] if unread else []
        words += [f"{some(waiting, 'embedding')} not compared yet"] if waiting else []
        if words:
            return f"! {' · '.join(words)}: {self.sign('duplicates.read')} does it"
        bare = compared.listed - compared.embedded
        words = [f"{bare:,} without an embedding"] if bare else []
        words += [f"{compared.unreadable:,} cannot be read"] if compared.unreadable else []
        return " · ".join(words)

    def _named(self, wnid: str, split: str | None) -> str:
        return f"{plain(self.found.lemmas.get(wnid, wnid))} ({split or 'no list'})"

    # ---- replicas ----

    @property
    def replicas(self) -> list[str]:
        """The wnids that several superclasses have accepted."""
        return list(self.found.claims)

    def keeper(self, wnid: str) -> str | None:
        """The superclass that the rule gives a replica to; None on a tie."""
        return preferred(self.found.claims[wnid], self.rule.keep, self.found.sizes)

    def replica_words(self, wnid: str) -> Words:
        """One line: the synset, who has it, who keeps it."""
        keeper, claims = self.keeper(wnid), self.found.claims[wnid]
        names: list[tuple[str, Tone]] = []
        for claim in claims:
            is_kept = claim.superclass == keeper
            sign = "+" if is_kept else "-" if keeper is not None else "?"
            names.append((f"{sign} {plain(claim.superclass)}  ", "good" if is_kept else "muted"))
        return [(f" {plain(self.found.lemmas.get(wnid, wnid)):<24}", "plain"), *names]

    def claim_lines(self, wnid: str) -> list[tuple[str, str]]:
        """What speaks for each superclass: lines, each with its style."""
        keeper = self.keeper(wnid)
        lines = [(f"  {'superclass':<14}{'depth':>5}{'mean':>8}{'pictures':>9}", "$foreground 60%")]
        for claim in self.found.claims[wnid]:
            mean = "" if claim.similarity_mean is None else f"{claim.similarity_mean:.4f}"
            depth = "" if claim.depth is None else str(claim.depth)
            size = self.found.sizes.get(claim.superclass, 0)
            sign = "+" if claim.superclass == keeper else "-" if keeper is not None else "?"
            name = set_cell_size(plain(claim.superclass), 13)
            lines.append(
                (f"{sign} {name} {depth:>5}{mean:>8}{size:>9,}", "$text-success" if claim.superclass == keeper else "")
            )
        told = (
            f"{plain(keeper)} keeps it, by rule: {self.rule.keep}" if keeper else f"Equal by the rule: {self._chooser}"
        )
        return [*lines, ("", ""), (told, "$foreground 60%")]

    def replicas_told(self) -> tuple[str, str, str]:
        """Three lines above the list."""
        settled = sum(self.keeper(wnid) is not None for wnid in self.replicas)
        what = f"{some(len(self.replicas), 'synset')} accepted twice: {settled} settled by the rule"
        left = len(self.replicas) - settled
        kept = f"{self.sign('duplicates.keep')} keeps {KEEP_WORDS[self.rule.keep][0]}"
        return what, kept, f"{left} equal: {self._chooser}" if left else ""

    @property
    def _chooser(self) -> str:
        return f"{self.sign('duplicates.leave_this')} chooses"


class PairLines(Sequence[Words]):
    """The lines of a bench, each made when it is painted: a hundred thousand cost no more than a screenful."""

    def __init__(self, bench: DuplicatesBench) -> None:
        self._bench = bench

    def __len__(self) -> int:
        return len(self._bench.settled)

    @overload
    def __getitem__(self, index: int) -> Words: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Words]: ...
    def __getitem__(self, index: int | slice) -> Words | Sequence[Words]:
        if isinstance(index, slice):
            return [self._bench.words(place) for place in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._bench.words(index)


def measure(pair: Duplicate) -> str:
    """How alike two pictures are, in a word."""
    if pair.kind == "exact":
        return "exact"
    return f"{pair.distance} bits" if pair.kind == "near" or pair.cosine is None else f"{pair.cosine:.4f}"


def _picture(rival: RivalPicture) -> Picture:
    return Picture(rival.image_id, os.path.join(path_of_text(rival.folder), path_of_text(rival.path)))
