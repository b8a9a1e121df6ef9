"""WordNet's files into tables, read by NLTK."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.wordnet.sources import DOG_WNID, NOUN_SYNSETS, REQUIRED_FILES, WordNetSource, WrongWordNet

ADJECTIVE_SYNSETS = 18_156

# done, total: synsets read so far, of all that will be read.
OnProgress = Callable[[int, int], None]

# lexnames(5WN): the 45 lexicographer files with their numbers.
_LEXNAMES = {
    "adj": "0 all, 1 pert, 44 ppl",
    "adv": "2 all",
    "noun": "3 Tops, 4 act, 5 animal, 6 artifact, 7 attribute, 8 body, 9 cognition, 10 communication, 11 event, "
    "12 feeling, 13 food, 14 group, 15 location, 16 motive, 17 object, 18 person, 19 phenomenon, 20 plant, "
    "21 possession, 22 process, 23 quantity, 24 relation, 25 shape, 26 state, 27 substance, 28 time",
    "verb": "29 body, 30 change, 31 cognition, 32 communication, 33 competition, 34 consumption, 35 contact, "
    "36 creation, 37 emotion, 38 motion, 39 perception, 40 possession, 41 social, 42 stative, 43 weather",
}
_PART_NUMBERS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}

_SYNSET_SCHEMA = pa.schema(
    [
        ("wnid", pa.string()),
        ("pos", pa.string()),
        ("name", pa.string()),
        ("gloss", pa.string()),
        ("lexname", pa.string()),
        ("sense_count", pa.int32()),
        ("depth", pa.int32()),
    ]
)
_LEMMA_SCHEMA = pa.schema(
    [("wnid", pa.string()), ("position", pa.int32()), ("lemma", pa.string()), ("sense_count", pa.int32())]
)
_IRREGULAR_SCHEMA = pa.schema([("form", pa.string()), ("lemma", pa.string())])
_HYPERNYM_SCHEMA = pa.schema([("wnid", pa.string()), ("hypernym_wnid", pa.string()), ("is_instance", pa.bool_())])


@dataclass(frozen=True, slots=True)
class WordNetTables:
    """WordNet as tables whose columns are named as the catalogue's."""

    synset: pa.Table
    lemma: pa.Table
    hypernym: pa.Table
    irregular_form: pa.Table

    def check(self, place: str) -> None:
        """Make sure that nothing is missing.

        Raises: WrongWordNet if the number of synsets or the wnid of dog.n.01 is not that of WordNet 3.0.
        """
        wnids = self.synset.column("wnid").to_pylist()
        nouns = sum(1 for wnid in wnids if wnid.startswith("n"))
        if nouns != NOUN_SYNSETS or len(wnids) != NOUN_SYNSETS + ADJECTIVE_SYNSETS:
            raise WrongWordNet(place, f"it has {nouns:,} noun and {len(wnids) - nouns:,} adjective synsets")
        names = self.synset.column("name").to_pylist()
        if names[wnids.index(DOG_WNID)] != "dog.n.01":
            raise WrongWordNet(place, f"{DOG_WNID} is not dog.n.01")


def read_wordnet(source: WordNetSource, scratch: Path, on_progress: OnProgress | None = None) -> WordNetTables:
    """Read nouns with their relations, and adjectives with their groups.

    Args:
        source: checked by its ``check``.
        scratch: a folder of this user; NLTK reads from a copy that is made there and removed afterwards.
        on_progress: called about a hundred times.

    Raises: WrongWordNet.
    """
    rows = _Rows()
    total = NOUN_SYNSETS + ADJECTIVE_SYNSETS
    with staged(source, scratch) as folder, opened_by_nltk(folder) as reader:
        counts = _sense_counts(folder / "cntlist.rev")
        rows.irregular = irregular_forms((folder / "noun.exc").read_text(encoding="utf-8"))
        done = 0
        for part in ("n", "a"):
            for synset in reader.all_synsets(part):
                rows.add(synset, counts)
                done += 1
                if on_progress and done % 1000 == 0:
                    on_progress(done, total)
    if on_progress:
        on_progress(total, total)
    tables = rows.tables()
    tables.check(str(source.path))
    return tables


class _Rows:
    """The rows of the tables while they are read."""

    def __init__(self) -> None:
        self.synsets: list[tuple[str, str, str, str, str, int]] = []
        self.lemmas: list[tuple[str, int, str, int]] = []
        self.hypernyms: list[tuple[str, str, bool]] = []
        self.irregular: list[tuple[str, str]] = []

    def add(self, synset: Any, counts: dict[str, int]) -> None:
        wnid = _wnid(synset)
        total = 0
        for position, lemma in enumerate(synset.lemmas()):
            count = counts.get(lemma.key(), 0)
            total += count
            self.lemmas.append((wnid, position, lemma.name(), count))
        self.synsets.append((wnid, synset.pos(), synset.name(), synset.definition(), synset.lexname(), total))
        if wnid.startswith("n"):
            self.hypernyms += [(wnid, _wnid(above), False) for above in synset.hypernyms()]
            self.hypernyms += [(wnid, _wnid(above), True) for above in synset.instance_hypernyms()]

    def tables(self) -> WordNetTables:
        depths = least_depths(self.hypernyms)
        nouns = {row[0] for row in self.synsets if row[1] == "n"}
        synsets = [(*row, depths.get(row[0], 0) if row[0] in nouns else None) for row in self.synsets]
        return WordNetTables(
            synset=_table(sorted(synsets), _SYNSET_SCHEMA),
            lemma=_table(sorted(self.lemmas), _LEMMA_SCHEMA),
            hypernym=_table(sorted(self.hypernyms), _HYPERNYM_SCHEMA),
            irregular_form=_table(sorted(self.irregular), _IRREGULAR_SCHEMA),
        )


def least_depths(hypernyms: list[tuple[str, str, bool]]) -> dict[str, int]:
    """Least number of steps from each synset up to one without hypernyms.

    Args:
        hypernyms: wnid, hypernym wnid, whether it is an instance relation; both kinds are steps.

    Returns: a depth for every synset that stands in a relation; 0 for those without a hypernym.
    """
    below: dict[str, list[str]] = {}
    for wnid, above, _ in hypernyms:
        below.setdefault(above, []).append(wnid)
    level = sorted(below.keys() - {wnid for wnid, _, _ in hypernyms})
    depths = dict.fromkeys(level, 0)
    while level:
        depth = depths[level[0]] + 1
        under = dict.fromkeys(wnid for above in level for wnid in below.get(above, ()))
        level = [wnid for wnid in under if wnid not in depths]
        depths.update(dict.fromkeys(level, depth))
    return depths


def irregular_forms(text: str) -> list[tuple[str, str]]:
    """The pairs of an exception list of WordNet: an inflected form, and a lemma it may be of.

    Source: morphy(7WN): a line holds the form and then one lemma or more.
    """
    lines = [line.split() for line in text.splitlines()]
    return [(form, lemma) for form, *lemmas in (line for line in lines if line) for lemma in lemmas]


def _wnid(synset: Any) -> str:
    # A satellite is an adjective too: its file, and so its number, is that of the adjectives.
    part = "n" if synset.pos() == "n" else "a"
    return f"{part}{synset.offset():08d}"


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _sense_counts(file: Path) -> dict[str, int]:
    """How often the tagged corpora show each sense key."""
    counts = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        key, _, count = line.split()
        counts[key] = int(count)
    return counts


def lexnames_text() -> str:
    """WordNet's file lexnames, which Debian leaves out: number, name and part of speech of each lexicographer file."""
    names = {}
    for part, entries in _LEXNAMES.items():
        for entry in entries.split(", "):
            number, group = entry.split()
            names[int(number)] = f"{number:>02}\t{part}.{group}\t{_PART_NUMBERS[part]}\n"
    return "".join(names[number] for number in sorted(names))


@contextmanager
def staged(source: WordNetSource, scratch: Path) -> Iterator[Path]:
    """WordNet's files as NLTK wants them: real files in a folder of the user, with lexnames and index.sense.

    NLTK refuses links, and folders outside its data path. It opens index.sense only to map between versions of
    WordNet, which is not wanted here: an empty one does.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reading-", dir=scratch) as root:
        folder = Path(root) / "corpora" / "wordnet"
        folder.mkdir(parents=True, mode=0o700)
        for name in REQUIRED_FILES:
            (folder / name).write_bytes(source.read(name))
        (folder / "lexnames").write_text(lexnames_text(), encoding="utf-8")
        (folder / "index.sense").touch()
        yield folder


@contextmanager
def opened_by_nltk(folder: Path) -> Iterator[Any]:
    """NLTK's reader over a folder ``<root>/corpora/wordnet``; NLTK's data path has the root while it is open."""
    import nltk.data
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    root = str(folder.parent.parent)
    nltk.data.path.insert(0, root)
    try:
        with warnings.catch_warnings():
            # Without a second corpus NLTK warns that it has no other languages.
            warnings.filterwarnings("ignore", message="The multilingual functions")
            reader = WordNetCorpusReader(str(folder), None)
        yield reader
    finally:
        nltk.data.path.remove(root)
