"""A person's own SELECT can read the catalogue and nothing else."""

from pathlib import Path

import pytest

from store.connection import open_store
from store.sql import RefusedSql, run_read_only


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "c.duckdb"
    store = open_store(path)
    with store.writing() as cursor:
        cursor.execute("INSERT INTO workspace_fact VALUES ('seed', '7')")
    store.close()
    return path


def test_a_select_gives_names_and_rows(catalogue: Path) -> None:
    result = run_read_only(catalogue, "SELECT key, value FROM workspace_fact")
    assert result.columns == ("key", "value")
    assert result.rows == [("seed", "7")]


def test_times_are_in_utc(catalogue: Path) -> None:
    (row,) = run_read_only(catalogue, "SELECT max(applied_at) FROM schema_migration").rows
    assert row[0].utcoffset().total_seconds() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1; SELECT 2",
        "INSERT INTO workspace_fact VALUES ('a', 'b')",
        "DELETE FROM workspace_fact",
        "CREATE TABLE a (b INTEGER)",
        "EXPLAIN ANALYZE DELETE FROM workspace_fact",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "ATTACH '/tmp/other.duckdb'",
        "COPY workspace_fact TO '/tmp/x.csv'",
        "SET threads = 1",
        "PRAGMA enable_profiling",
        "LOAD httpfs",
        "SELECT nonsense",
        "not even SQL",
        "",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(catalogue: Path, statement: str) -> None:
    with pytest.raises(RefusedSql) as caught:
        run_read_only(catalogue, statement)
    assert caught.value.hint
    assert run_read_only(catalogue, "SELECT count(*) FROM workspace_fact").rows == [(1,)]
