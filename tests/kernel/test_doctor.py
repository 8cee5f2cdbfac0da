"""The doctor finds what was tampered with, and nothing in a healthy world."""

import pytest

from emulator.kernel.doctor import examine


@pytest.fixture
def tenant(notes):
    """A tenant with some money moved."""
    notes.post("/v1/notes", "text=x&coins=5")
    notes.post("/v1/notes", "text=y&coins=7")
    return notes.app.tenants.open("notes")


def tamper(tenant, sql):
    with tenant.connection() as connection:
        connection.execute(sql)


def test_a_healthy_world_has_no_findings(tenant):
    assert examine(tenant.tenants.directory, tenant.catalog) == []


@pytest.mark.parametrize(
    "sql, what, detail",
    [
        ("UPDATE total SET amount = amount + 1 WHERE book = 'outside:pocket'", "total", "outside:pocket says -11"),
        ("DELETE FROM total WHERE book = 'outside:pocket'", "total", "outside:pocket says 0, its lines say -12"),
        ("UPDATE line SET amount = 4 WHERE amount = 5", "movement", "out of balance by -1"),
    ],
)
def test_a_changed_total_or_line_is_named(tenant, sql, what, detail):
    tamper(tenant, sql)

    findings = examine(tenant.tenants.directory, tenant.catalog)

    assert any(finding.what == what and detail in finding.detail for finding in findings), findings


def test_due_work_that_failed_is_named(notes, caplog):
    notes.post("/v1/notes", "text=stumble")
    notes.post("/_emulator/clock", "advance=3600")

    findings = examine(notes.app.tenants.directory, notes.app.tenants.catalog)

    assert [finding.what for finding in findings] == ["due work"]
