"""Ids, lifecycles, days, ledgers, refusals: the parts that stand alone."""

import hmac
from datetime import date

import pytest

from emulator.kernel import errors, ids
from emulator.kernel.dates import DAY, date_of, midnight
from emulator.kernel.errors import ApiError
from emulator.kernel.events import differences
from emulator.kernel.ledger import Line, Movement, moving
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.routes import DELETE, GET, Table
from tests.kernel.notes import Note


def test_an_id_holds_its_time_and_its_owner():
    id = ids.object_id("ic", 1_721_948_500, "acct_1PgafTB7WZ01zgkW", 12345)

    assert id.startswith("ic_1")
    assert id[9:19] == "B7WZ01zgkW"
    assert len(id) == len("ic_") + 24


def test_ids_of_one_owner_sort_by_time():
    early, late = (ids.object_id("ic", now, "acct_1PgafTB7WZ01zgkW", 1) for now in (1_700_000_000, 1_800_000_000))

    assert early < late


@pytest.mark.parametrize("prefix, length", [("acct", 16), ("ics", 14), ("ipcd", 14), ("cus", 14), ("iauth", 24)])
def test_each_family_has_its_length(prefix, length):
    assert len(ids.object_id(prefix, 1_721_948_500, "acct_1PgafTB7WZ01zgkW", 2**200)) == len(prefix) + 1 + length


@pytest.mark.parametrize("draw", [0, 61, 62**4, 62**8 - 1, 62**8, 2**255 + 12345])
def test_an_id_ends_in_the_last_eight_digits_of_its_draw(draw):
    assert ids.object_id("ic", 1_721_948_500, "acct_1PgafTB7WZ01zgkW", draw)[-8:] == ids.base62(draw, 8)
    assert ids.id_in_group("ch", "31721948500abcde", draw)[-8:] == ids.base62(draw, 8)


def test_each_draw_is_the_hmac_of_its_purpose_and_number_whatever_was_drawn_before():
    drawn = [ids.chance(b"a key", number, "cvc") for number in (1, 2, 1)]

    assert drawn == [int.from_bytes(hmac.digest(b"a key", b"cvc:%d" % number, "sha256")) for number in (1, 2, 1)]


def test_a_path_of_its_own_is_found_before_one_with_a_variable_and_only_for_its_verb():
    table = Table()
    routes = {path: GET(path, print) for path in ("/v1/notes/{note}", "/v1/notes/newest")}
    for path, route in routes.items():
        assert table.add("GET", path, route)
    assert not table.add("GET", "/v1/notes/newest", routes["/v1/notes/newest"])
    deletes = DELETE("/v1/notes/{note}", print)
    table.add("DELETE", "/v1/notes/{note}", deletes)

    assert table.find("GET", "/v1/notes/newest") == (routes["/v1/notes/newest"], {})
    assert table.find("GET", "/v1/notes/nt_1") == (routes["/v1/notes/{note}"], {"note": "nt_1"})
    assert table.find("DELETE", "/v1/notes/newest") == (deletes, {"note": "newest"})
    assert table.find("POST", "/v1/notes/newest") is None


def test_only_drawn_arrows_can_be_followed():
    lifecycle = Lifecycle("open", {"open": {"close": "closed"}, "closed": {}})

    assert lifecycle.after("open", "close") == "closed"
    with pytest.raises(ApiError, match="This object cannot close while its status is 'closed'"):
        lifecycle.after("closed", "close")


def test_a_record_follows_an_arrow_and_what_else_changes_comes_with_it():
    lifecycle = Lifecycle("new", {"new": {"read": "old"}, "old": {}})
    note = Note("nt_1", 0, "Hello", status="new")

    followed = lifecycle.follow(note, "read", text="Hello, read")

    assert (followed.status, followed.text, note.status) == ("old", "Hello, read", "new")


def test_a_lifecycle_says_in_its_own_words_what_cannot_be():
    moves = {"new": {"end": "gone"}, "old": {"end": "gone"}, "gone": {}}
    lifecycle = Lifecycle("new", moves, says="{verb} {status} {target} {origins}", code="too_late", param="status")

    with pytest.raises(ApiError) as refusal:
        lifecycle.follow(Note("nt_1", 0, "Hello", status="gone"), "end")

    assert refusal.value.message == "end gone gone 'new' or 'old'"
    assert (refusal.value.code, refusal.value.param) == ("too_late", "status")


def test_a_day_begins_at_midnight_in_utc():
    first, last = 1_700_006_400, 1_700_006_400 + DAY - 1

    assert date_of(first) == date_of(last) == date(2023, 11, 15)
    assert date_of(first - 1) == date(2023, 11, 14)
    assert midnight(date_of(last)) == first


def test_a_movement_that_does_not_balance_is_a_bug(notes):
    crooked = Movement("x", "o", (Line("a", -1), Line("b", 2)))
    tenant = notes.app.tenants.open("notes")

    with pytest.raises(AssertionError, match="does not balance"), tenant.writing() as step:
        step.ledger.write(crooked, id="m_1", account="a", flow=None, flow_type=None, transaction=None, now=1)


def test_a_movement_goes_from_its_source_to_its_target():
    assert moving("x", "o", "a", "b", 5).lines == (Line("a", -5), Line("b", 5))


@pytest.mark.parametrize(
    "old, new, told",
    [
        ({"a": 1}, {"a": 2}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 2]}),
        ({"a": None}, {"a": {"b": 1}}, {"a": None}),
        ({"a": {"b": 1}}, {"a": None}, {"a": {"b": 1}}),
        ({}, {"a": 1}, {"a": None}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"a": 1}, {}),
    ],
)
def test_previous_attributes_hold_what_changed(old, new, told):
    assert differences(old, new) == told


@pytest.mark.parametrize(
    "refusal, is_remembered",
    [
        (errors.invalid("No."), True),
        (errors.unknown_failure(), True),
        (errors.ApiError(402, "Declined.", type="card_error", keeps_changes=True), True),
        (errors.rate_limited("Later."), False),
        (errors.key_in_use("k"), False),
    ],
)
def test_a_refusal_says_whether_an_idempotency_key_remembers_it(refusal, is_remembered):
    assert refusal.is_remembered is is_remembered
