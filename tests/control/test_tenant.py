"""Settings with what they mean."""

from __future__ import annotations

from emulator.catalog import CATALOG

MEANINGS = "/_emulator/settings/meanings"


def test_every_setting_says_what_it_is_for_and_what_it_may_be(platform):
    found = {one["name"]: one for one in platform.read(MEANINGS)["data"]}

    assert list(found) == sorted(CATALOG.settings)
    assert all(one["says"] == CATALOG.settings[name].says for name, one in found.items())
    assert found["progress"]["kind"] == "choice"
    assert found["progress"]["values"] == ["delay", "at_once", "banking_dates", "never"]
    assert (found["webhook_retries"]["kind"], found["webhook_retries"]["values"]) == ("boolean", None)
    assert (found["progress_seconds"]["kind"], found["platform_country"]["founds"]) == ("integer", True)


def test_a_setting_tells_its_value_beside_its_default(platform):
    platform.settings(progress_seconds=60)

    found = {one["name"]: one for one in platform.read(MEANINGS)["data"]}

    assert (found["progress_seconds"]["value"], found["progress_seconds"]["default"]) == (60, 10)
