"""WordNet as Parquet in the user's cache, so that only the first workspace waits for NLTK."""

import contextlib
import json
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

import platformdirs
import pyarrow as pa
import pyarrow.parquet as pq

from engine.jobs.files import sha256_of
from engine.wordnet.reading import WordNetTables
from store.connection import memory_store
from store.wordnet import importing as wordnet_import

# Raise it whenever the tables change: caches of other versions are left alone and not read.
CACHE_VERSION = 2
_RECORD = "wordnet.json"


@dataclass(frozen=True, slots=True)
class CatalogueTables:
    """WordNet as the catalogue keeps it: what was read, and what was derived from it. Columns as in the catalogue."""

    synset: pa.Table
    lemma: pa.Table
    hypernym: pa.Table
    irregular_form: pa.Table
    hyponym_closure: pa.Table
    tree_node: pa.Table
    synset_card: pa.Table


@dataclass(frozen=True, slots=True)
class CachedWordNet:
    """A cache that is there, complete and undamaged.

    Attributes:
        origin: where its WordNet was read from, for people.
        fingerprint: of the source it was read from.
    """

    folder: Path
    origin: str
    fingerprint: str


def cache_folder() -> Path:
    """Where this user's WordNet caches are."""
    return Path(platformdirs.user_cache_dir("sood-tui")) / "wordnet"


def find_cached(fingerprint: str | None = None) -> CachedWordNet | None:
    """The cache of a source, or the newest one of any source; None if there is none, or if it is damaged.

    Args:
        fingerprint: of the source; None: any.
    """
    pattern = f"v{CACHE_VERSION}-{(fingerprint or '')[:16]}*"
    folders = [folder for folder in cache_folder().glob(pattern) if (folder / _RECORD).is_file()]
    for folder in sorted(folders, key=lambda found: found.stat().st_mtime, reverse=True):
        if (cached := _undamaged(folder)) is not None and fingerprint in (None, cached.fingerprint):
            return cached
    return None


def load_cached(cached: CachedWordNet) -> CatalogueTables:
    """The tables of a cache."""
    names = [field.name for field in fields(CatalogueTables)]
    return CatalogueTables(**{name: pq.read_table(cached.folder / f"{name}.parquet") for name in names})


def write_cache(tables: CatalogueTables, fingerprint: str, origin: str) -> None:
    """Keep the tables for the next workspace. Of two processes that write the same cache one wins, whole.

    Raises: OSError if the cache folder cannot be written.
    """
    home = cache_folder()
    home.mkdir(parents=True, exist_ok=True)
    final = home / f"v{CACHE_VERSION}-{fingerprint[:16]}"
    with tempfile.TemporaryDirectory(prefix="writing-", dir=home) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        hashes = {}
        for field in fields(CatalogueTables):
            file = fresh / f"{field.name}.parquet"
            pq.write_table(getattr(tables, field.name), file, compression="zstd")
            hashes[file.name] = sha256_of(file)
        record = {"fingerprint": fingerprint, "origin": origin, "sha256": hashes}
        (fresh / _RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")
        if final.exists() and _undamaged(final) is None:
            # Moved away in one step, so that nobody meets half a folder.
            with contextlib.suppress(OSError):
                final.rename(Path(scratch) / "damaged")
        # A folder that is not empty cannot be replaced: then another process was quicker, with the same content.
        with contextlib.suppress(OSError):
            fresh.rename(final)


def derive_tables(tables: WordNetTables) -> CatalogueTables:
    """Work out closure, tree and cards in a catalogue in memory."""
    store = memory_store()
    try:
        with store.writing() as cursor:
            wordnet_import.insert_synsets(cursor, tables.synset)
            wordnet_import.insert_lemmas(cursor, tables.lemma)
            wordnet_import.insert_hypernyms(cursor, tables.hypernym)
            wordnet_import.derive_closure(cursor)
            wordnet_import.derive_tree(cursor)
            wordnet_import.derive_cards(cursor)
            return CatalogueTables(
                synset=tables.synset,
                lemma=tables.lemma,
                hypernym=tables.hypernym,
                irregular_form=tables.irregular_form,
                hyponym_closure=wordnet_import.fetch_closure_table(cursor),
                tree_node=wordnet_import.fetch_tree_table(cursor),
                synset_card=wordnet_import.fetch_card_table(cursor),
            )
    finally:
        store.close()


def _undamaged(folder: Path) -> CachedWordNet | None:
    """The cache in a folder if every file is as it was written; None if any is missing or differs."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        names = [f"{field.name}.parquet" for field in fields(CatalogueTables)]
        if any(sha256_of(folder / name) != record["sha256"][name] for name in names):
            return None
        return CachedWordNet(folder, str(record["origin"]), str(record["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
