"""Two wires, one pipeline: what a request of v2 looks like, what it is answered, and that v1 stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from emulator.kernel import rfc3339
from emulator.kernel.database.replies import KEPT_SECONDS, KEPT_SECONDS_OF_V2
from emulator.kernel.errors import ApiError, invalid, rate_limited
from emulator.kernel.wire.wires import V1, V2, json_of, refusal_of_v2, wire_of
from tests.kernel.notes import NotesClient, notes_app
from tests.kernel.notes_v2 import CATALOG, NoteParams, NotesV2

NOON = 1_780_644_249
LATER = 2_000_000_000
NOON_TEXT = "2026-06-05T07:24:09.000Z"
FORM = "application/x-www-form-urlencoded"
NULL = "You passed null for '{0}', which cannot be unset. Leave '{0}' out or give it a value."


class NotesV2Client(NotesClient):
    """Requests in JSON, beside those of forms."""

    def json(self, path: str, body: Any = None, verb: str = "POST", **headers: str) -> TestResponse:
        """One request with a JSON body, or as it is if it is bytes."""
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **named}
        return self.app.test_client().open(path, method=verb, data=content, headers=named)

    def delete(self, path: str, **headers: str) -> TestResponse:
        """A DELETE, whose parameters stand in its query."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().delete(path, headers={"Authorization": f"Bearer {self.key}", **named})

    def made(self, **members: Any) -> dict[str, Any]:
        """A new note of v2."""
        answer = self.json("/v2/notes", {"text": "hello", **members})
        assert answer.status_code == 200, answer.text
        return answer.json

    def frozen(self, at: int) -> None:
        """The clock stands still at a later time."""
        assert self.post("/_emulator/clock", f"set={at}&frozen=true").status_code == 200

    def texts(self, path: str) -> list[str]:
        """The texts on a page of notes of v2."""
        return [note["text"] for note in self.get(path).json["data"]]


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[NotesV2Client]:
    """A client of a fresh folder of notes, of v1 and v2."""
    app = notes_app(tmp_path, catalog=CATALOG)
    yield NotesV2Client(app)
    app.tenants.close()  # type: ignore[attr-defined]


def refused(answer: TestResponse) -> tuple[int, str, str]:
    """Status, code and message of a refusal in v2's shape."""
    error = answer.json["error"]
    assert set(error) == {"code", "message"} and set(answer.json) == {"error"}
    return answer.status_code, error["code"], error["message"]


def test_a_path_decides_about_its_wire():
    assert {wire_of(path) for path in ("/v2/notes", "/v2/nope")} == {V2}
    assert {wire_of(path) for path in ("/v1/notes", "/_emulator/clock", "/v2", "/nope")} == {V1}


# What is sent


def test_a_json_body_becomes_a_record_with_times_in_rfc_3339(notes):
    notes.frozen(LATER)

    made = notes.made(
        due="2026-06-05T09:24:09.5+02:00",
        done=True,
        coins=5,
        price="1.50",
        tags=[{"name": "a", "weight": "7"}, {"name": "b"}],
        metadata={"a": "1"},
    )

    assert (made["object"], made["due"], made["done"]) == ("v2.note", NOON_TEXT, True)
    assert made["created"] == "2033-05-18T03:33:20.000Z"
    assert (made["coins"], made["price"], made["tags"]) == (5, "1.50", ["a", "b"])
    assert made["metadata"] == {"a": "1"}
    assert notes.get(f"/v2/notes/{made['id']}").json == made


def test_null_unsets_and_what_is_not_sent_stays(notes):
    made = notes.made(due=NOON_TEXT, place={"city": "Reno"}, metadata={"a": "1", "b": "2"})

    changed = notes.json(f"/v2/notes/{made['id']}", {"due": None, "metadata": {"a": None}, "include": ["place"]}).json
    cleared = notes.json(f"/v2/notes/{made['id']}", {"place": None, "metadata": None, "include": ["place"]}).json

    assert (changed["due"], changed["metadata"], changed["place"]) == (None, {"b": "2"}, {"city": "Reno"})
    assert (cleared["metadata"], cleared["place"], cleared["text"]) == ({}, None, "hello")


@pytest.mark.parametrize(
    "sent, message",
    [
        ({"done": "true"}, "Invalid boolean: true (done)"),
        ({"done": 1}, "Invalid boolean: 1 (done)"),
        ({"done": None}, NULL.format("done")),
        ({"coins": True}, "Invalid integer: true (coins)"),
        ({"coins": 1.5}, "Invalid integer: 1.5 (coins)"),
        ({"coins": 2**63}, "Invalid integer: 9223372036854775808 (coins)"),
        ({"coins": 0}, "This value must be greater than or equal to 1. (coins)"),
        ({"price": 1.5}, "Invalid decimal: 1.5 (price)"),
        ({"mood": 5}, "Invalid mood: must be one of good or bad"),
        ({"text": 5}, "Invalid string: 5 (text)"),
        (
            {"text": ""},
            "You passed an empty string for 'text'. Pass null to unset a field, or give it a value.",
        ),
        (
            {"metadata": {"a": ""}},
            "You passed an empty string for 'metadata[a]'. Pass null to unset a field, or give it a value.",
        ),
        ({"metadata": {"a": 5}}, "Invalid string: 5 (metadata[a])"),
        ({"due": NOON}, f"Invalid timestamp: {NOON}; must be RFC 3339, like 2026-06-05T07:24:09Z (due)"),
        ({"due": str(NOON)}, f"Invalid timestamp: {NOON}; must be RFC 3339, like 2026-06-05T07:24:09Z (due)"),
        ({"tags": {"0": {"name": "a"}}}, "Invalid array (tags)"),
        ({"tags": [{"name": "a"}, {"weight": 1}]}, "Missing required param: tags[1][name]."),
        ({"tags": [None]}, NULL.format("tags[0]")),
        ({"place": [1]}, "Invalid object (place)"),
        ({"place": {"city": "Reno", "zoo": 1}, "expand": []}, "Received unknown parameters: place[zoo], expand"),
        ({"include": ["text"]}, "Invalid include[0]: text; must be one of place"),
        ({"include": "place"}, "Invalid array (include)"),
    ],
)  # fmt: skip
def test_a_json_value_of_the_wrong_kind_is_refused_and_nothing_is_written(notes, sent, message):
    answer = notes.json("/v2/notes", {"text": "hello", **sent})

    code = "parameter_unknown" if "unknown" in message else answer.json["error"]["code"]
    assert refused(answer) == (400, code, message)
    assert notes.texts("/v2/notes") == []


@pytest.mark.parametrize(
    "body, begins",
    [
        (b"{", "The body of this request is not valid JSON: "),
        (b'{"text": NaN}', "The body of this request is not valid JSON: "),
        (b'{"text": "\xff"}', "The body of this request is not valid JSON: "),
        (b'["text"]', "The body of this request must be a JSON object."),
        (b'"text"', "The body of this request must be a JSON object."),
        (b'{"text": ' + b"[" * 40 + b"1" + b"]" * 40 + b"}", "The body of this request is nested more than 32 levels"),
        (json.dumps({"text": ["a"] * 1001}).encode(), "A request has at most 1,000 parameters."),
    ],
)
def test_a_body_that_is_no_json_object_is_told_so_in_the_shape_of_v2(notes, body, begins):
    status, code, message = refused(notes.json("/v2/notes", body))

    assert (status, code) == (400, "invalid_request")
    assert message.startswith(begins)


@pytest.mark.parametrize(
    "verb, path, content_type, message",
    [
        ("POST", "/v2/notes", FORM, "Invalid request (check that your POST content type is application/json)."),
        (
            "POST",
            "/v2/notes?text=a",
            "application/json",
            "The parameters of a POST request belong into its JSON body, not into its query.",
        ),
        (
            "GET",
            "/v2/notes",
            "application/json",
            "The parameters of a GET request belong into its query; it has no body.",
        ),
    ],
)
def test_parameters_in_the_wrong_place_are_refused_instead_of_read_over(notes, verb, path, content_type, message):
    answer = notes.json(path, b'{"text": "hello"}', verb, Content_Type=content_type)

    assert refused(answer) == (400, "invalid_request", message)


def test_an_empty_body_and_a_content_type_with_a_charset_are_fine(notes):
    id = notes.made()["id"]

    empty = notes.json(f"/v2/notes/{id}", b"")
    charset = notes.json(f"/v2/notes/{id}", {"text": "new"}, Content_Type="Application/JSON; charset=utf-8")

    assert (empty.status_code, empty.json["text"]) == (200, "hello")
    assert charset.json["text"] == "new"


@pytest.mark.parametrize(
    "text, seconds",
    [
        (NOON_TEXT, NOON),
        ("2026-06-05T07:24:09Z", NOON),
        ("2026-06-05t07:24:09.999999999z", NOON),
        ("2026-06-05T02:54:09-04:30", NOON),
        ("1969-12-31T23:59:59.5Z", -1),
        ("2026-06-05T07:24:09", None),
        ("2026-06-05 07:24:09Z", None),
        ("2026-06-05", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-06-05T24:00:01Z", None),
        ("20260605T072409Z", None),
        ("0001-01-01T00:00:00+23:59", -62135683140),
        ("", None),
    ],
)
def test_times_in_rfc_3339_are_these_seconds(text, seconds):
    assert rfc3339.seconds_of(text) == seconds


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(["", NOON_TEXT]),
    lambda inner: st.dictionaries(st.text(max_size=6), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
CREATE = next(route for route in NotesV2.ROUTES if route.verb == "POST")


@given(st.dictionaries(st.sampled_from([*NoteParams().fields, "include"]) | st.text(max_size=4), JSON_VALUES))
def test_whatever_json_is_sent_it_loads_or_is_refused_with_a_sentence(sent):
    try:
        params, include = V2.params(CREATE, json_of(json.dumps(sent).encode()))
    except ApiError as refusal:
        assert refusal.status == 400
        assert refusal_of_v2(refusal, None)["error"]["message"]
    else:
        assert params["text"] and set(include) <= {"place"}


# What is answered


def test_a_member_is_null_until_it_is_included(notes):
    id = notes.made(place={"city": "Reno"})["id"]

    plain = notes.get(f"/v2/notes/{id}").json
    whole = notes.get(f"/v2/notes/{id}?include[0]=place").json

    assert (plain["place"], whole["place"]) == (None, {"city": "Reno"})
    assert refused(notes.get(f"/v2/notes/{id}?expand[0]=place"))[1] == "parameter_unknown"
    assert refused(notes.get("/v2/notes?include[0]=place"))[1] == "parameter_unknown"


def test_pages_are_walked_forth_and_back_by_their_urls_with_limit_and_filters(notes):
    for number in range(5):
        notes.made(text=str(number), done=number != 2)

    first = notes.get("/v2/notes?limit=2&done=true").json
    second = notes.get(first["next_page_url"]).json
    back = notes.get(second["previous_page_url"]).json

    assert list(first) == ["data", "next_page_url", "previous_page_url"]
    assert [note["text"] for page in (first, second) for note in page["data"]] == ["4", "3", "1", "0"]
    assert first["next_page_url"].startswith("/v2/notes?limit=2&done=true&page=page_")
    assert (first["previous_page_url"], second["next_page_url"]) == (None, None)
    assert back == first
    assert notes.get("/v2/notes?limit=1&done=false").json["next_page_url"] is None


def test_a_filter_on_a_time_is_rfc_3339_in_a_query_too(notes):
    notes.frozen(LATER)
    notes.made(text="early")
    notes.frozen(LATER + 60)
    notes.made(text="late")
    then = rfc3339.text_of(LATER)

    assert notes.texts(f"/v2/notes?created[gt]={then}") == ["late"]
    assert notes.texts(f"/v2/notes?created={then}") == ["early"]
    assert refused(notes.get(f"/v2/notes?created[gt]={NOON}"))[0] == 400


@pytest.mark.parametrize("query", ["page=nonsense", "page=page_bGltaXQgMQ", "page[0]=a", "starting_after=ntv_1"])
def test_a_page_that_nobody_gave_out_is_refused(notes, query):
    notes.made()

    status, _, _ = refused(notes.get(f"/v2/notes?{query}"))

    assert status == 400


def test_a_deleted_object_is_told_by_its_id_alone(notes):
    id = notes.made()["id"]

    assert notes.delete(f"/v2/notes/{id}").json == {"id": id, "object": "v2.note"}
    assert refused(notes.get(f"/v2/notes/{id}")) == (404, "not_found", f"No such note: '{id}'")


def test_unknown_paths_and_missing_keys_are_answered_in_the_shape_of_v2(notes):
    keyless = notes.app.test_client().get("/v2/notes")

    assert refused(notes.get("/v2/core/nope"))[:2] == (404, "not_found")
    assert refused(notes.json("/v2/notes/a/b"))[:2] == (404, "not_found")
    assert refused(keyless)[:2] == (401, "authentication_required")
    assert set(notes.get("/v1/nope").json["error"]) > {"type", "request_log_url"}


def test_a_bug_of_ours_is_told_in_the_shape_of_v2_and_leaves_its_key_free(notes, caplog):
    answer = notes.json("/v2/notes", {"text": "crash"}, Idempotency_Key="k")

    assert refused(answer) == (500, "internal_error", "An unknown error occurred")
    assert "a bug of ours" in caplog.text
    assert notes.json("/v2/notes", {"text": "hello"}, Idempotency_Key="k").status_code == 200


def test_the_request_log_has_what_was_answered(notes):
    id = notes.get("/v2/core/nope").headers["Request-Id"]

    line = notes.get(f"/_emulator/requests/{id}").json

    assert (line["status"], line["error"]["code"]) == (404, "not_found")
    assert "type" not in line["error"]


# What a key remembers


def test_a_keyed_post_and_a_keyed_delete_of_v2_are_done_once(notes):
    made = [notes.json("/v2/notes", {"text": "once"}, Idempotency_Key="make") for _ in range(2)]
    gone = [notes.delete(f"/v2/notes/{made[0].json['id']}", Idempotency_Key="tear") for _ in range(2)]

    assert made[0].data == made[1].data and gone[0].data == gone[1].data
    assert [answer.status_code for answer in (*made, *gone)] == [200] * 4
    assert made[1].headers["Idempotent-Replayed"] == gone[1].headers["Idempotent-Replayed"] == "true"
    assert notes.texts("/v2/notes") == []


def test_a_keyed_delete_of_v1_reads_no_key(notes):
    id = notes.post("/v1/notes", "text=hello").json["id"]

    statuses = [notes.send("DELETE", f"/v1/notes/{id}", Idempotency_Key="tear").status_code for _ in range(2)]

    assert statuses == [200, 404]


def test_a_refused_call_of_v2_is_carried_out_again_under_its_key(notes):
    first = notes.json("/v2/notes", {"text": "forbidden"}, Idempotency_Key="k")
    for _ in range(2):
        notes.made()
    again = notes.json("/v2/notes", {"text": "forbidden"}, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (400, 200)
    assert notes.texts("/v2/notes")[0] == "forbidden"


def test_a_refused_call_of_v1_is_answered_so_again_under_its_key(notes):
    first, again = (notes.post("/v1/notes", "text=forbidden", Idempotency_Key="k") for _ in range(2))

    assert (first.status_code, again.status_code, again.data) == (400, 400, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_key_of_v2_used_for_something_else_is_refused_with_the_type_that_sdks_know(notes):
    notes.json("/v2/notes", {"text": "once"}, Idempotency_Key="k")

    error = notes.json("/v2/notes", {"text": "twice"}, Idempotency_Key="k").json["error"]

    assert set(error) == {"code", "message", "type"}
    assert error["type"] == error["code"] == "idempotency_error"


def test_keys_last_thirty_days_in_v2_and_one_in_v1(notes):
    notes.frozen(LATER)

    def repeats() -> tuple[bool, bool]:
        v1 = notes.post("/v1/notes", "text=hello", Idempotency_Key="one")
        v2 = notes.json("/v2/notes", {"text": "hello"}, Idempotency_Key="two")
        return "Idempotent-Replayed" in v1.headers, "Idempotent-Replayed" in v2.headers

    repeats()
    repeated = {}
    for seconds in (KEPT_SECONDS - 1, KEPT_SECONDS, KEPT_SECONDS_OF_V2 - 1, KEPT_SECONDS_OF_V2):
        notes.frozen(LATER + seconds)
        repeated[seconds] = repeats()

    assert list(repeated.values()) == [(True, True), (False, True), (False, True), (True, False)]


def test_an_injected_server_error_is_remembered_by_v1_keys_alone(notes):
    notes.post("/_emulator/faults", "kind=server_error&count=2")

    v1 = [notes.post("/v1/notes", "text=hello", Idempotency_Key="one").status_code for _ in range(2)]
    v2 = [notes.json("/v2/notes", {"text": "hello"}, Idempotency_Key="two") for _ in range(2)]

    assert v1 == [500, 500]
    assert refused(v2[0]) == (500, "internal_error", "An unknown error occurred")
    assert v2[1].status_code == 200


@pytest.mark.parametrize(
    "refusal, by_v1",
    [
        (invalid("No."), True),
        (ApiError(402, "Declined.", type="card_error", keeps_changes=True), True),
        (rate_limited("Later."), False),
    ],
)
def test_a_refusal_says_whether_a_key_remembers_it(refusal, by_v1):
    assert (V1.remembers(refusal), V2.remembers(refusal)) == (by_v1, False)


# v1 stays as it is


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_v1_takes_no_json(notes, content_type):
    answer = notes.json("/v1/notes", {"text": "hello"}, Content_Type=content_type)

    assert (answer.status_code, answer.json["error"]["type"]) == (400, "invalid_request_error")
    assert "application/x-www-form-urlencoded" in answer.json["error"]["message"]


def test_times_of_v1_are_unix_seconds_alone(notes):
    at = int(notes.get("/_emulator/clock").json["now"]) - 10

    assert notes.get(f"/v1/notes?created[gt]={at}").status_code == 200
    assert notes.get(f"/v1/notes?created[gt]={NOON_TEXT}").json["error"]["message"] == f"Invalid integer: {NOON_TEXT}"
