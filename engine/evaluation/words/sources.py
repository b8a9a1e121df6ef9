"""The words of a run: an artefact that was mined before, words that come with embeddings, or a corpus to mine from."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa

from engine.errors import EngineError
from engine.evaluation.labels import Labels
from engine.evaluation.plan import NegativesPlan
from engine.evaluation.sets.pictures import PictureSet, read_npz
from engine.evaluation.words.corpus import CorpusSettings, make_corpus
from engine.evaluation.words.labels_hash import labels_sha256
from store.connection import Cursor
from store.evaluation.negatives import fetch_negative_labels, fetch_negative_set

FILE = "file:"


@dataclass(frozen=True, slots=True)
class MiningRequest:
    """How negative labels are found.

    Attributes:
        given: name of an artefact to use; None: mine.
        name: what to call what is mined.
        corpus: which words.
        percentile: of the distances; None: 0.05.
        fraction: share of each part of speech.
        count: number to keep instead.
        per_pos: rank parts of speech apart.
        ranking: neglabel or interneg; CSP's recipe has its own.
    """

    given: str | None = None
    name: str = ""
    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    percentile: float = 0.05
    fraction: float = 0.15
    count: int | None = None
    per_pos: bool = True
    ranking: str = "neglabel"


@dataclass(frozen=True)
class Words:
    """The words of one recipe or corpus (at least word, pos, wnid, lexname), and where they come from."""

    table: pa.Table
    source: NegativesPlan


def words_of(
    cursor: Cursor, mining: MiningRequest, recipe: str, labels: Labels, id_set: PictureSet, has_model: bool, seed: int
) -> Words:
    """The words that the negative labels of a recipe come from.

    Args:
        cursor: any cursor.
        mining: how they are found.
        recipe: plain or csp.
        labels: of the ID set.
        id_set: whose npz brings the words where there is no model.
        has_model: whether texts can be embedded.
        seed: of CSP's choice of superclass words.

    Raises: EngineError or StoreError that names what is missing or does not fit.
    """
    if mining.given:
        return _given(cursor, mining.given, labels)
    if not has_model:
        return Words(_of_npz(id_set), NegativesPlan(given=f"{id_set.source.value}, negative_words"))
    return _of_corpus(cursor, mining, recipe, labels, seed)


def words_of_sweep(
    cursor: Cursor,
    mining: MiningRequest,
    corpora: Sequence[str],
    labels: Labels,
    id_set: PictureSet,
    has_model: bool,
    seed: int,
) -> list[Words]:
    """The words of each corpus of a sweep; without corpora, those of the request.

    Raises: EngineError when words are given, which have no corpus.
    """
    if corpora and (mining.given or not has_model):
        raise EngineError(
            "A sweep over corpora mines its words, and these are given.", "Leave --negatives out, or --corpus."
        )
    sources = [absolute(source) for source in corpora] or [mining.corpus.source]
    chosen = [replace(mining, corpus=replace(mining.corpus, source=source)) for source in sources]
    return [words_of(cursor, one, "plain", labels, id_set, has_model, seed) for one in chosen]


def absolute(source: str) -> str:
    """A source that names a file, with its absolute path: it may be asked for again from another folder."""
    if not source.startswith(FILE):
        return source
    return FILE + os.path.abspath(os.path.expanduser(source.removeprefix(FILE)))


def _given(cursor: Cursor, name: str, labels: Labels) -> Words:
    found = fetch_negative_set(cursor, name)
    if found.labels_sha256 != labels_sha256(labels.names):
        raise EngineError(
            f"The negative labels {name} were mined against other ID labels than these.",
            "Mine new ones: leave --negatives out.",
        )
    kept = [row for row in fetch_negative_labels(cursor, found.negatives_id) if row.dropped is None]
    if not kept:
        raise EngineError(f"All words of the negative labels {name} were taken out.", "Bring some back.")
    table = pa.table(
        {
            "word": pa.array([row.word for row in kept], pa.string()),
            "pos": pa.array([row.pos for row in kept], pa.string()),
            "wnid": pa.array([row.wnid for row in kept], pa.string()),
            "lexname": pa.array([row.lexname for row in kept], pa.string()),
            "distance": pa.array([row.distance for row in kept], pa.float64()),
        }
    )
    return Words(table, NegativesPlan(given=found.name))


def _of_npz(id_set: PictureSet) -> pa.Table:
    arrays = read_npz(id_set.source.value) if id_set.source.kind == "npz" else {}
    if "negative_words" not in arrays:
        raise EngineError(
            "Without a model the negative labels must come with the ID set's npz: negative_words and "
            "negative_embeddings.",
            "Give --model, or methods that need none: msp, maxlogit, energy, mcm.",
        )
    words = [str(word) for word in arrays["negative_words"].tolist()]
    count = len(words)
    texts = {"word": words, "pos": ["noun"] * count, "lexname": ["noun.file"] * count}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})
    return table.append_column("wnid", pa.nulls(count, pa.string()))


def _of_corpus(cursor: Cursor, mining: MiningRequest, recipe: str, labels: Labels, seed: int) -> Words:
    chosen = mining.corpus
    if recipe == "csp" and chosen.source == "neglabel":
        chosen = replace(chosen, source="csp")
    corpus = make_corpus(cursor, labels, chosen, recipe, seed)
    source = NegativesPlan(
        name=mining.name,
        corpus={**asdict(chosen), "words": corpus.words.num_rows},
        left_out=corpus.left_out,
        percentile=mining.percentile,
        fraction=mining.fraction,
        count=mining.count,
        per_pos=mining.per_pos,
        ranking="csp" if recipe == "csp" and mining.ranking == "neglabel" else mining.ranking,
    )
    return Words(corpus.words, source)
