"""A person's own SELECT over the catalogue, which can read the catalogue and nothing else."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from store.connection import open_reader
from store.errors import StoreError


class RefusedSql(StoreError):
    """The text is not one reading statement, or DuckDB does not understand it."""


@dataclass(frozen=True, slots=True)
class SqlResult:
    """Names of the columns, and the rows as tuples in their order."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]


def run_read_only(catalogue: Path, text: str) -> SqlResult:
    """Run one statement on a connection that can neither write, nor open files, nor change settings.

    Raises: RefusedSql, CatalogueLocked.
    """
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise RefusedSql(str(error).strip(), '`sood-tui sql "SHOW TABLES"` lists the tables.') from error
    if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise RefusedSql("Only one SELECT at a time is run here.", "Changes go through the commands of the rooms.")
    connection = open_reader(catalogue)
    try:
        answer = connection.execute(statements[0])
        columns = tuple(column[0] for column in answer.description or ())
        return SqlResult(columns, answer.fetchall())
    except duckdb.Error as error:
        raise RefusedSql(str(error).strip(), '`sood-tui sql "SHOW TABLES"` lists the tables.') from error
    finally:
        connection.close()
