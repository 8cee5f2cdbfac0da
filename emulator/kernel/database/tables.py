"""Tables and indexes in SQLite's words."""

from __future__ import annotations

from emulator.kernel.database.schema import NUMBERED, Table


def made(table: Table) -> list[str]:
    """The statements that make a table and its indexes."""
    return [table_sql(table), *indexes_sql(table).values()]


def table_sql(table: Table) -> str:
    """The statement that makes a table. A key other than a number is where its rows lie."""
    parts = [f'"{name}" {declared(table, name)}' for name in table.columns]
    parts += [f'UNIQUE ("{name}")' for name in table.unique]
    end = ""
    if table.key and table.key != NUMBERED:
        parts.append(f"PRIMARY KEY ({', '.join(table.key)})")
        end = " WITHOUT ROWID"
    return f"CREATE TABLE {table.name} ({', '.join(parts)}){end}"


def declared(table: Table, column: str) -> str:
    """A column's type. The order of creation is SQLite's own number of the row."""
    return "INTEGER PRIMARY KEY" if (column,) == table.key == NUMBERED else table.columns[column]


def indexes_sql(table: Table) -> dict[str, str]:
    """The statements that make a table's indexes, by their names."""
    return {
        index.name: f"CREATE INDEX {index.name} ON {table.name} ({index.columns})"
        + (f" WHERE {index.where}" if index.where else "")
        for index in table.indexes
    }
