"""Opening the catalogue: migrations, the lock, damage."""

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from store.connection import Store, memory_store, open_store
from store.errors import CatalogueEdited, CatalogueLocked, CatalogueTooNew, NotACatalogue
from store.migrate import all_migrations, migrate


def test_migrations_are_applied_once_and_in_order(tmp_path: Path) -> None:
    connection = duckdb.connect(str(tmp_path / "c.duckdb"))
    applied = migrate(connection, tmp_path)
    assert applied[0] == "0001_wordnet"
    assert applied == sorted(applied)
    assert migrate(connection, tmp_path) == []


def test_migration_numbers_are_unique() -> None:
    numbers = [migration.name[:4] for migration in all_migrations()]
    assert len(set(numbers)) == len(numbers)


def test_a_newer_catalogue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.duckdb"
    open_store(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_migration VALUES ('9999_future', 'abc', now())")
    with pytest.raises(CatalogueTooNew, match="9999_future") as caught:
        open_store(path)
    assert "Upgrade" in caught.value.hint


def test_an_edited_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.duckdb"
    open_store(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE schema_migration SET sha256 = 'other' WHERE name = '0002_images'")
    with pytest.raises(CatalogueEdited, match="0002_images"):
        open_store(path)


def test_a_failing_migration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from store import migrate as module

    good = all_migrations()
    bad = module.Migration("9998_bad", "CREATE TABLE half (a INTEGER); SELECT nonsense FROM nowhere;", "x")
    connection = duckdb.connect(str(tmp_path / "c.duckdb"))
    monkeypatch.setattr(module, "all_migrations", lambda: [*good, bad])
    with pytest.raises(duckdb.Error):
        module.migrate(connection, tmp_path)
    tables = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
    assert "half" not in tables
    assert "synset" in tables


def test_the_lock_message_names_the_process(tmp_path: Path) -> None:
    path = tmp_path / "c.duckdb"
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({str(path)!r}); print('held', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CatalogueLocked) as caught:
            open_store(path)
        assert caught.value.pid == holder.pid
        assert str(holder.pid) in caught.value.message
    finally:
        holder.communicate("\n")
    open_store(path).close()


@pytest.mark.parametrize("content", [b"this is no database", b"\0" * 20_000])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.duckdb"
    path.write_bytes(content)
    with pytest.raises(NotACatalogue):
        open_store(path)
    assert path.read_bytes() == content


def test_a_broken_transaction_changes_nothing() -> None:
    store = memory_store()

    def write_and_fail() -> None:
        with store.writing() as cursor:
            cursor.execute("INSERT INTO workspace_fact VALUES ('seed', '1')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    with store.reading() as cursor:
        assert cursor.execute("SELECT count(*) FROM workspace_fact").fetchone() == (0,)


def test_writers_of_many_threads_take_turns() -> None:
    store = memory_store()
    with store.writing() as cursor:
        cursor.execute("INSERT INTO workspace_fact VALUES ('n', '0')")

    def add_one() -> None:
        for _ in range(20):
            with store.writing() as cursor:
                row = cursor.execute("SELECT value FROM workspace_fact WHERE key = 'n'").fetchone()
                assert row is not None
                cursor.execute("UPDATE workspace_fact SET value = $v WHERE key = 'n'", {"v": str(int(row[0]) + 1)})

    threads = [threading.Thread(target=add_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as cursor:
        assert cursor.execute("SELECT value FROM workspace_fact WHERE key = 'n'").fetchone() == ("80",)


def test_closing_waits_for_statements_of_other_threads(tmp_path: Path) -> None:
    for number in range(20):  # without the wait most of these closings were refused
        store = open_store(tmp_path / f"{number}.duckdb")

        def read(store: Store = store) -> None:
            try:
                while True:
                    with store.reading() as cursor:
                        cursor.execute("SELECT count(*) FROM range(1000)").fetchall()
            except duckdb.Error:
                return  # closed under its hands, which a reader must bear

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        store.close()
        for reader in readers:
            reader.join(10)
        assert not any(reader.is_alive() for reader in readers)
