"""Settings with their meanings, changed one at a time and put back."""

from __future__ import annotations

import pytest

from emulator.catalog import CATALOG


def test_every_setting_is_there_with_its_meaning(visitor):
    visitor.get("/dashboard/settings")

    assert all(f"<code>{name}</code>" in visitor.html for name in CATALOG.settings)
    assert CATALOG.settings["webhook_retries"].says in visitor.text
    assert "all as they were at first" in visitor.text


@pytest.mark.parametrize(
    "name, sent, value",
    [
        ("webhook_retries", "false", False),
        ("progress", "never", "never"),
        ("progress_seconds", "60", 60),
        ("prohibited_merchant_categories", "bakeries, florists", ["bakeries", "florists"]),
    ],
)
def test_a_setting_is_changed(platform, visitor, name, sent, value):
    visitor.get("/dashboard/settings")

    visitor.post("/dashboard/settings", name=name, value=sent)

    assert platform.read("/_emulator/settings")[name] == value
    assert "1 setting changed" in visitor.text


def test_an_empty_value_puts_one_back(platform, visitor):
    platform.settings(progress_seconds=60)
    visitor.get("/dashboard/settings")

    visitor.post("/dashboard/settings", name="progress_seconds", value="")

    assert platform.read("/_emulator/settings")["progress_seconds"] == 10
    assert "As it was at first." in visitor.text


@pytest.mark.parametrize(
    "name, value, says", [("progress_seconds", "soon", "Invalid integer"), ("none", "1", "no setting")]
)
def test_what_a_setting_cannot_be_is_refused(platform, visitor, name, value, says):
    visitor.get("/dashboard/settings")

    visitor.post("/dashboard/settings", name=name, value=value, back="/dashboard/settings")

    assert says in visitor.text
    assert platform.read("/_emulator/settings")["progress_seconds"] == 10
