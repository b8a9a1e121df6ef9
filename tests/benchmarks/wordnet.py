"""How fast WordNet comes in and answers, each number beside a baseline that runs in turn with it.

    python -m tests.benchmarks.wordnet [--rounds N] [--roots N]

Import: NLTK's start and one pass over its nouns, against the first workspace (files to catalogue, which goes through
NLTK too) and against every later one (the user's cache to catalogue on disk). NLTK gets the staged copy with an empty
index.sense, which spares it a second or more.
Queries: the hyponym closure of synsets drawn at random from those with hyponyms, against a recursive query over the
hypernym table; children of a tree node; search at each key of a few words.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.wordnet.importing import choose_source, import_wordnet
from engine.wordnet.reading import opened_by_nltk, staged
from engine.wordnet.sources import WordNetSource, find_wordnet
from store.connection import Cursor, open_store
from store.wordnet.synsets import fetch_children, search
from tests.catalogue_rows import closure_of

TYPED = ("dog", "toy spaniel", "canis", "vehicle that can fly", "n0208")


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[18]


def nltk_pass(source: WordNetSource, scratch: Path) -> None:
    """The baseline: NLTK's reader made, and all nouns iterated."""
    with staged(source, scratch) as folder, opened_by_nltk(folder) as reader:
        assert sum(1 for _ in reader.all_synsets("n")) == 82_115


def import_into(catalogue: Path, source: WordNetSource | None) -> None:
    """One import into a new catalogue; without a source as a user's second workspace finds it."""
    catalogue.unlink(missing_ok=True)
    store = open_store(catalogue)
    import_wordnet(store, source or choose_source())
    store.close()


def closure_by_recursion(cursor: Cursor, wnid: str) -> list[tuple[str, int]]:
    """The baseline: the closure worked out when it is asked for."""
    rows: list[tuple[str, int]] = cursor.execute(
        """
        WITH RECURSIVE below AS (
            SELECT wnid, 1 AS depth FROM hypernym WHERE hypernym_wnid = $wnid
            UNION
            SELECT hypernym.wnid, below.depth + 1 FROM below JOIN hypernym ON hypernym.hypernym_wnid = below.wnid
        )
        SELECT wnid, min(depth) AS depth FROM below GROUP BY wnid ORDER BY depth, wnid
        """,
        {"wnid": wnid},
    ).fetchall()
    return rows


def time_imports(folder: Path, source: WordNetSource, rounds: int) -> None:
    """Print the table of imports."""
    taken: dict[str, list[float]] = {"NLTK": [], "first": [], "later": []}
    for number in range(rounds):
        os.environ["XDG_CACHE_HOME"] = str(folder / f"cache-{number}")
        taken["NLTK"].append(seconds(lambda: nltk_pass(source, folder / "scratch")))
        taken["first"].append(seconds(lambda: import_into(folder / "catalogue.duckdb", source)))
        taken["later"].append(seconds(lambda: import_into(folder / "catalogue.duckdb", None)))
    medians = {name: statistics.median(values) for name, values in taken.items()}
    print(f"{'import, median of ' + str(rounds):44}{'seconds':>9}{'baseline / this':>17}")
    for name, text in (
        ("NLTK", "baseline: NLTK start and pass over nouns"),
        ("first", "first workspace, all relations, closure"),
        ("later", "later workspace, from the user's cache"),
    ):
        print(f"{text:44}{medians[name]:9.2f}{medians['NLTK'] / medians[name]:16.1f}x")


def time_queries(cursor: Cursor, roots: int) -> None:
    """Print the table of queries."""
    rows = cursor.execute("SELECT DISTINCT hypernym_wnid FROM hypernym ORDER BY hypernym_wnid").fetchall()
    wnids = random.Random(0).sample([str(row[0]) for row in rows], roots)
    table: dict[str, list[float]] = {"recursion": [], "closure": [], "children": [], "search": []}
    for wnid in wnids:
        assert dict(closure_by_recursion(cursor, wnid)) == closure_of(cursor, wnid)
        table["recursion"].append(seconds(lambda: closure_by_recursion(cursor, wnid)))  # noqa: B023
        table["closure"].append(seconds(lambda: closure_of(cursor, wnid)))  # noqa: B023
        table["children"].append(seconds(lambda: fetch_children(cursor, wnid)))  # noqa: B023
    for text in TYPED * 4:
        for end in range(1, len(text) + 1):
            table["search"].append(seconds(lambda: search(cursor, text[:end], 50)))  # noqa: B023
    print(f"\n{'query, ' + str(roots) + ' synsets':44}{'p50 ms':>9}{'p95 ms':>9}{'baseline / this':>17}")
    for name, text in (
        ("recursion", "baseline: closure by a recursive query"),
        ("closure", "closure"),
        ("children", "children with counts"),
        ("search", "search at each key"),
    ):
        ratio = f"{p95(table['recursion']) / p95(table[name]):15.1f}x" if name == "closure" else ""
        print(f"{text:44}{statistics.median(table[name]) * 1e3:9.2f}{p95(table[name]) * 1e3:9.2f}{ratio:>17}")


def main() -> None:
    """Run both tables in folders of their own; the user's cache is not touched."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each import")
    parser.add_argument("--roots", type=int, default=300, help="synsets whose closure is asked for")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        time_imports(folder, find_wordnet(), arguments.rounds)
        store = open_store(folder / "catalogue.duckdb")
        with store.reading() as cursor:
            time_queries(cursor, arguments.roots)
        store.close()


if __name__ == "__main__":
    main()
