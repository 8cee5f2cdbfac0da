"""What is kept is reached through one face: no SQL, connection, file or lock of a world outside of its folder."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import emulator
from emulator.catalog import CATALOG
from emulator.kernel.database.schema import Schema
from emulator.kernel.database.tables import made

PACKAGE = Path(emulator.__file__).parent
INSIDE = (PACKAGE / "kernel" / "database", PACKAGE / "kernel" / "tenants")
OUTSIDE = [file for file in sorted(PACKAGE.rglob("*.py")) if not any(folder in file.parents for folder in INSIDE)]
SQL = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT (OR \w+ )?INTO\b|\bUPDATE \w+ SET\b|\bDELETE FROM\b"
    r"|\bCREATE (UNIQUE )?(TABLE|INDEX)\b|\bPRAGMA\b|\bSAVEPOINT\b|\bBEGIN (IMMEDIATE|EXCLUSIVE)\b"
    r"|\bROLLBACK\b|\bON CONFLICT\b"
)
SQL_OF_ONE_DATABASE = re.compile(r"\bINSERT OR\b|\browid\b|\bIFNULL\b|\bjson_\w+\(|\bGLOB\b|\bAUTOINCREMENT\b|->>|\?")
ENGINES = {"fcntl", "msvcrt", "psycopg", "sqlite3", "sqlite_utils"}
# What SQLite alone is told stands in these, and nowhere else.
SQLITES_OWN = {"sqlite.py", "tables.py", "migrations.py", "request_log.py"}


def texts(file: Path) -> list[str]:
    """Every text in a file that is no docstring, formatted ones with a mark for what is put in."""
    tree = ast.parse(file.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            found.append(node.value)
    return found


@pytest.mark.parametrize("file", OUTSIDE, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_nobody_else_speaks_sql_or_opens_what_is_kept(file: Path) -> None:
    tree = ast.parse(file.read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert [text for text in texts(file) if SQL.search(text)] == []
    assert imported & ENGINES == set()
    assert called & {"execute", "executemany", "executescript", "fetchone", "fetchall", "lastrowid"} == set()
    assert [text for text in texts(file) if ".sqlite" in text] == []


@pytest.mark.parametrize(
    "file",
    [file for file in sorted(INSIDE[0].glob("*.py")) if file.name not in SQLITES_OWN],
    ids=lambda file: file.name,
)
def test_the_kernels_sql_is_what_both_databases_speak(file: Path) -> None:
    assert [text for text in texts(file) if SQL.search(text) and SQL_OF_ONE_DATABASE.search(text)] == []


def test_the_guard_knows_sql_when_it_sees_it() -> None:
    assert all(
        SQL.search(text)
        for text in ("SELECT x FROM y", "INSERT INTO y (a)", "UPDATE y SET a = 1", "DELETE FROM y", "SAVEPOINT one")
    )
    assert not SQL.search("Select one of these from the list, and update it.")
    assert SQL_OF_ONE_DATABASE.search("SELECT json_extract(data, '$.a') FROM y")


def test_every_column_has_a_declared_type() -> None:
    for table in Schema(CATALOG.records.values()).tables.values():
        for column, declared in table.columns.items():
            assert declared.split(" ")[0] in ("INTEGER", "TEXT", "BLOB", "REAL"), f"{table.name}.{column}"


def test_a_filter_of_two_values_has_no_index_and_every_other_has_one() -> None:
    tables = Schema(CATALOG.records.values()).tables
    indexed = {table.name: {index.name for index in table.indexes} for table in tables.values()}

    assert "person_by_owner" not in indexed["person"]
    assert "issuing_card_by_status" in indexed["issuing_card"]
    assert "event_by_type" in indexed["event"] and "event_by_about" not in indexed["event"]
    assert any("WITHOUT ROWID" in statement for statement in made(tables["total"]))
