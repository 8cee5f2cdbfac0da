"""The doctor finds what was tampered with and nothing in a healthy world, and leaves everything as it was."""

import sqlite3

import pytest

from emulator.kernel.database.doctor import examine
from tests.kernel.notes import CATALOG, NotesClient, notes_app


@pytest.fixture
def tenant(notes):
    """A tenant with some money moved."""
    notes.post("/v1/notes", "text=x&coins=5")
    notes.post("/v1/notes", "text=y&coins=7")
    return notes.app.tenants.open("notes")


def tamper(tenant, sql):
    with tenant.stored.writing() as session:
        session.run(sql)


def test_a_healthy_world_has_no_findings(tenant, tmp_path):
    assert examine(tmp_path, CATALOG) == []


def test_the_words_of_clients_are_not_taken_for_ids_of_ours(notes, tmp_path):
    notes.post("/v1/notes", f"text=x&metadata[of_another_world]=nt_{'x' * 24}")

    assert examine(tmp_path, CATALOG) == []


@pytest.mark.parametrize(
    "sql, what, detail",
    [
        ("UPDATE total SET amount = amount + 1 WHERE book = 'outside:pocket'", "total", "outside:pocket says -11"),
        ("DELETE FROM total WHERE book = 'outside:pocket'", "total", "outside:pocket says 0, its lines say -12"),
        ("UPDATE line SET amount = 4 WHERE amount = 5", "movement", "out of balance by -1"),
    ],
)
def test_a_changed_total_or_line_is_named(tenant, tmp_path, sql, what, detail):
    tamper(tenant, sql)

    findings = examine(tmp_path, CATALOG)

    assert any(finding.what == what and detail in finding.detail for finding in findings), findings


def test_due_work_that_failed_is_named(notes, tmp_path, caplog):
    notes.post("/v1/notes", "text=stumble")
    notes.post("/_emulator/clock", "advance=3600")

    findings = examine(tmp_path, CATALOG)

    assert [finding.what for finding in findings] == ["due work"]


def contents(directory):
    """Everything that the databases in a folder say, and their settings."""
    found = {}
    for file in sorted(directory.glob("*.sqlite")):
        connection = sqlite3.connect(file)
        pragmas = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("user_version", "application_id")]
        found[file.name] = pragmas, list(connection.iterdump())
        connection.close()
    return found


def test_looking_does_none_of_the_work_that_has_fallen_due(notes, tenant, tmp_path):
    tamper(tenant, "UPDATE tenant SET clock_offset = clock_offset + 3600")
    before = contents(tmp_path)

    assert examine(tmp_path, CATALOG) == []

    assert contents(tmp_path) == before


def test_older_data_is_examined_without_being_brought_up_to_date(notes, tenant, tmp_path):
    tamper(tenant, "DROP INDEX note_by_about")
    tamper(tenant, "ALTER TABLE note DROP COLUMN about")
    tamper(tenant, "UPDATE total SET amount = amount + 1 WHERE book = 'outside:pocket'")
    before = contents(tmp_path)

    findings = examine(tmp_path, CATALOG)

    assert [finding.what for finding in findings] == ["total"]
    assert contents(tmp_path) == before


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "50% of #1?"
    app = notes_app(folder)
    NotesClient(app).post("/v1/notes", "text=x&coins=5")
    app.tenants.close()

    assert examine(folder, CATALOG) == []
    assert NotesClient(notes_app(folder)).get("/v1/notes").json["data"] != []
    assert list(tmp_path.iterdir()) == [folder]
