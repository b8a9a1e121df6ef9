"""The whole of WordNet 3.0 where it is installed: read by NLTK, kept in the cache, loaded again."""

import json
import multiprocessing
import os
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.wordnet.cache import CachedWordNet, cache_folder, find_cached, load_cached, write_cache
from engine.wordnet.importing import choose_source, import_wordnet
from engine.wordnet.reading import opened_by_nltk, staged
from engine.wordnet.sources import REQUIRED_FILES, WordNetNotFound, WordNetSource, WrongWordNet, find_wordnet
from store.connection import Store, memory_store
from store.wordnet.importing import count_synsets, fetch_fact
from store.wordnet.lists import fetch_memberships
from store.wordnet.synsets import fetch_children, fetch_hypernym_path, fetch_roots, fetch_synset
from tests.catalogue_rows import closure_of


@pytest.fixture(scope="module")
def source() -> WordNetSource:
    """WordNet's files on this machine."""
    try:
        return find_wordnet()
    except WordNetNotFound as error:
        pytest.skip(f"{error.message} {error.hint}")


@pytest.fixture(scope="module")
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of these tests' own, which starts empty."""
    home = tmp_path_factory.mktemp("cache")
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    """What the import told of its progress."""
    return []


@pytest.fixture(scope="module")
def wordnet(source: WordNetSource, cache_home: Path, steps: list[tuple[str, int, int]]) -> Iterator[Store]:
    """A catalogue with all of WordNet, read by NLTK."""
    store = memory_store()
    report = import_wordnet(store, source, lambda *step: steps.append(step))
    assert (report.synsets, report.from_cache, report.was_there) == (100_271, False, False)
    yield store
    store.close()


@pytest.fixture(scope="module")
def cached(wordnet: Store) -> CachedWordNet:
    """The cache that the first import left."""
    found = find_cached()
    assert found is not None
    return found


def count(store: Store, statement: str) -> int:
    with store.reading() as cursor:
        row = cursor.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("SELECT count(*) FROM synset WHERE pos = 'n'", 82_115),
        ("SELECT count(*) FROM synset WHERE pos = 'a'", 7_463),
        ("SELECT count(*) FROM synset WHERE pos = 's'", 10_693),
        ("SELECT count(*) FROM lemma WHERE starts_with(wnid, 'n')", 146_347),
        ("SELECT count(*) FROM hypernym", 84_427),
        ("SELECT count(*) FROM hypernym WHERE is_instance", 8_577),
        # 825,356 pairs with each synset's pair with itself, which the closure leaves out
        ("SELECT count(*) FROM hyponym_closure", 825_356 - 82_115),
        ("SELECT count(*) FROM synset_card", 100_271),
        ("SELECT count(DISTINCT lexname) FROM synset WHERE pos = 'n'", 26),
        ("SELECT count(DISTINCT lexname) FROM synset WHERE pos <> 'n'", 3),
        ("SELECT count(*) FROM membership", 11_221 + 10_450 + 21_841 + 11_821 + 1_000),
        ("SELECT count(*) FROM membership ANTI JOIN synset USING (wnid)", 0),
        ("SELECT count(*) FROM synset WHERE pos = 'n' AND depth IS NULL", 0),
        ("SELECT count(*) FROM synset WHERE gloss = '' OR name = ''", 0),
    ],
)
def test_nothing_of_wordnet_is_missing(wordnet: Store, statement: str, rows: int) -> None:
    assert count(wordnet, statement) == rows


@pytest.mark.parametrize(
    ("wnid", "size"), [("n02084071", 189), ("n00015388", 4_016), ("n00021939", 10_698), ("n00001740", 82_114)]
)
def test_closures_count_instances_and_each_synset_once(wordnet: Store, wnid: str, size: int) -> None:
    with wordnet.reading() as cursor:
        assert len(closure_of(cursor, wnid)) == size


def test_dog_is_what_nltk_says(wordnet: Store) -> None:
    with wordnet.reading() as cursor:
        dog = fetch_synset(cursor, "n02084071")
        assert (dog.name, dog.lemmas, dog.lexname) == (
            "dog.n.01",
            ("dog", "domestic_dog", "Canis_familiaris"),
            "noun.animal",
        )
        assert dog.sense_count == 42
        assert dog.depth == 8
        assert len(fetch_children(cursor, dog.wnid)) == 18
        assert len(fetch_hypernym_path(cursor, dog.wnid)) == 9
        assert "imagenet_21k_p_fall11" in [item.list_name for item in fetch_memberships(cursor, dog.wnid)]
        assert [root.name for root in fetch_roots(cursor)] == ["entity.n.01"]


def test_depths_are_nltks_least_depths(wordnet: Store, source: WordNetSource, tmp_path: Path) -> None:
    # NLTK's own walk over the relations is the independent count.
    names = [
        "dog.n.01",
        "papillon.n.01",
        "mayflower.n.01",
        "car.n.01",
        "person.n.01",
        "entity.n.01",
        "easter_bunny.n.01",
    ]
    with staged(source, tmp_path) as folder, opened_by_nltk(folder) as reader, wordnet.reading() as cursor:
        for name in names:
            synset = reader.synset(name)
            ours = fetch_synset(cursor, f"n{synset.offset():08d}")
            assert ours.name == name
            assert ours.depth == synset.min_depth()
            assert ours.gloss == synset.definition()
            assert ours.sense_count == sum(lemma.count() for lemma in synset.lemmas())


def test_progress_counts_up_to_all_synsets(wordnet: Store, steps: list[tuple[str, int, int]]) -> None:
    reading = [(done, total) for what, done, total in steps if what == "Reading WordNet"]
    assert reading[-1] == (100_271, 100_271)
    assert reading == sorted(reading)
    assert len(reading) > 50


def test_nothing_but_the_cache_is_left_behind(cached: CachedWordNet) -> None:
    assert [entry.name for entry in cache_folder().iterdir()] == [cached.folder.name]


def test_a_catalogue_that_has_wordnet_is_left_as_it_is(wordnet: Store, source: WordNetSource) -> None:
    report = import_wordnet(wordnet, source)
    assert (report.synsets, report.was_there) == (100_271, True)


def test_the_next_workspace_gets_the_same_from_the_cache(wordnet: Store, cached: CachedWordNet) -> None:
    store = memory_store()
    chosen = choose_source()
    assert chosen == cached
    report = import_wordnet(store, chosen)
    assert (report.synsets, report.from_cache) == (100_271, True)
    for table in ("synset", "lemma", "hypernym", "hyponym_closure", "tree_node", "synset_card", "membership"):
        # a hash of the whole table that does not depend on the order of its rows
        statement = f"SELECT bit_xor(hash({table})) % 1000000007 FROM {table}"
        assert count(store, statement) == count(wordnet, statement), table
    with store.reading() as cursor:
        assert fetch_fact(cursor, "wordnet_version") == "3.0"
    store.close()


def test_a_named_folder_with_the_same_files_uses_the_cache(source: WordNetSource, cached: CachedWordNet) -> None:
    assert choose_source(source.path) == cached


def test_a_cache_with_a_changed_byte_is_not_used_and_is_replaced(cached: CachedWordNet) -> None:
    file = cached.folder / "hypernym.parquet"
    whole = file.read_bytes()
    tables = load_cached(cached)
    file.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    assert find_cached() is None
    write_cache(tables, cached.fingerprint, cached.origin)
    assert find_cached() == cached
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "[]",
        '{"sha256": {}}',
        '{"sha256": {}, "origin": "", "fingerprint": ""}',
        '{"sha256": 3, "origin": "", "fingerprint": ""}',
    ],
)
def test_a_cache_with_a_damaged_record_is_not_used(cached: CachedWordNet, record: str) -> None:
    file = cached.folder / "wordnet.json"
    whole = file.read_text()
    file.write_text(record)
    try:
        assert find_cached() is None
    finally:
        file.write_text(whole)


def test_a_cache_that_lacks_a_file_is_not_used(cached: CachedWordNet) -> None:
    file = cached.folder / "lemma.parquet"
    hidden = file.rename(cached.folder / "hidden")
    try:
        assert find_cached() is None
        assert json.loads((cached.folder / "wordnet.json").read_text())["sha256"].keys() >= {"lemma.parquet"}
    finally:
        hidden.rename(file)


def test_two_processes_may_write_the_cache_at_once(
    cached: CachedWordNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = load_cached(cached)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    context = multiprocessing.get_context("fork")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        writers = [context.Process(target=write_cache, args=(tables, cached.fingerprint, "here")) for _ in range(3)]
        for writer in writers:
            writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert [entry.name for entry in cache_folder().iterdir()] == [cached.folder.name]
    assert find_cached(cached.fingerprint) is not None


def test_an_archive_reads_the_same(source: WordNetSource, tmp_path: Path, cached: CachedWordNet) -> None:
    corpora = tmp_path / "corpora"
    corpora.mkdir()
    with zipfile.ZipFile(corpora / "wordnet.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in REQUIRED_FILES:
            archive.writestr(f"wordnet/{name}", source.read(name))
    found = find_wordnet(tmp_path)
    found.check()
    assert found.is_zip
    assert found.fingerprint == source.fingerprint == cached.fingerprint


@pytest.mark.slow
def test_a_link_to_wordnet_is_read_although_nltk_refuses_links(source: WordNetSource, tmp_path: Path) -> None:
    if source.is_zip:
        pytest.skip("WordNet is in an archive here")
    link = tmp_path / "linked"
    link.symlink_to(source.path)
    with staged(find_wordnet(link), tmp_path / "scratch") as folder, opened_by_nltk(folder) as reader:
        dog = reader.synset_from_pos_and_offset("n", 2084071)
        assert (dog.name(), len(dog.hyponyms())) == ("dog.n.01", 18)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_files_of_another_edition_are_refused_and_the_catalogue_stays_empty(
    source: WordNetSource, tmp_path: Path, cache_home: Path
) -> None:
    for name in REQUIRED_FILES:
        (tmp_path / name).write_bytes(source.read(name))
    nouns = source.read("data.noun")
    (tmp_path / "data.noun").write_bytes(nouns[: nouns.index(b"n 03 dog 0 domestic_dog")])
    store = memory_store()
    with pytest.raises(WrongWordNet, match="instead of 82,115"):
        import_wordnet(store, find_wordnet(tmp_path))
    with store.reading() as cursor:
        assert count_synsets(cursor) == 0
    store.close()


def test_a_lacking_file_is_named(source: WordNetSource, tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_bytes(source.read("data.noun"))
    with pytest.raises(WrongWordNet, match=r"data\.adj"):
        choose_source(tmp_path)
