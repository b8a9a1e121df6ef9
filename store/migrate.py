"""Numbered migrations, each applied once, in one transaction with its record."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb

from store.errors import CatalogueEdited, CatalogueTooNew, NotACatalogue


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of DDL: its name, its text and the SHA-256 of the text."""

    name: str
    sql: str
    sha256: str


def all_migrations() -> list[Migration]:
    """Every migration this program knows, in the order in which they are applied."""
    files = (entry for entry in resources.files("store.migrations").iterdir() if entry.name.endswith(".sql"))
    found = []
    for entry in sorted(files, key=lambda item: item.name):
        sql = entry.read_text(encoding="utf-8")
        found.append(Migration(entry.name.removesuffix(".sql"), sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


def migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Bring the catalogue to the newest schema.

    Args:
        connection: a writing connection.
        path: the file, for messages only.

    Returns: the names of the migrations applied now; empty when there was nothing to do.
    Raises: CatalogueTooNew, CatalogueEdited.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migration "
        "(name VARCHAR PRIMARY KEY, sha256 VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL)"
    )
    applied = dict(connection.execute("SELECT name, sha256 FROM schema_migration").fetchall())
    known = {migration.name: migration for migration in all_migrations()}
    for name, sha256 in sorted(applied.items()):
        if name not in known:
            raise CatalogueTooNew(path, name)
        if known[name].sha256 != sha256:
            raise CatalogueEdited(path, name)
    pending = [migration for migration in known.values() if migration.name not in applied]
    for migration in pending:
        _apply(connection, migration)
    return [migration.name for migration in pending]


def require_current(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Check that a copy, which cannot be changed, has exactly the schema that this program knows.

    Raises: CatalogueTooNew, CatalogueEdited, and NotACatalogue where migrations are missing.
    """
    applied = dict(connection.execute("SELECT name, sha256 FROM schema_migration").fetchall())
    known = {migration.name: migration.sha256 for migration in all_migrations()}
    for name, sha256 in sorted(applied.items()):
        if name not in known:
            raise CatalogueTooNew(path, name)
        if known[name] != sha256:
            raise CatalogueEdited(path, name)
    if missing := [name for name in known if name not in applied]:
        raise NotACatalogue(path, f"it was published by an older version, without {missing[0]}")


def _apply(connection: duckdb.DuckDBPyConnection, migration: Migration) -> None:
    connection.begin()
    try:
        connection.execute(migration.sql)
        connection.execute(
            "INSERT INTO schema_migration (name, sha256, applied_at) VALUES ($name, $sha256, now())",
            {"name": migration.name, "sha256": migration.sha256},
        )
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
