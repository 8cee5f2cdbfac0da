"""Member order, expansion, and what is shown only on request."""

import json

import pytest

from emulator.kernel.render import Rendered, apart, encoded, ordered


def test_members_stand_id_object_then_alphabetically_but_metadata_keeps_its_order():
    body = ordered({"zebra": 1, "metadata": {"z": "1", "a": "2"}, "object": "x", "apple": {"b": 1, "a": 2}, "id": "1"})

    assert list(body) == ["id", "object", "apple", "metadata", "zebra"]
    assert list(body["apple"]) == ["a", "b"]
    assert list(body["metadata"]) == ["z", "a"]


def test_what_is_in_order_is_given_back_as_it_is():
    body = {"id": "1", "object": "x", "apple": {"a": 2, "b": [{"c": 1}]}, "metadata": {"z": "1", "a": "2"}}

    assert ordered(body) is body


def test_what_is_in_order_inside_of_what_is_not_is_shared_and_the_given_one_stays():
    straight, crooked = {"a": 1, "b": 2}, {"d": 1, "c": [{"f": 1, "e": 2}]}
    body = {"straight": straight, "crooked": crooked}

    arranged = ordered(body)

    assert arranged["straight"] is straight
    assert encoded(arranged) == encoded({"crooked": {"c": [{"e": 2, "f": 1}], "d": 1}, "straight": straight})
    assert list(body) == ["straight", "crooked"] and list(crooked) == ["d", "c"]


def test_what_is_set_apart_can_be_changed_at_every_depth():
    body = {"a": Rendered(b=[{"c": 1}])}

    apart(body)["a"]["b"][0]["c"] = 2

    assert body == {"a": {"b": [{"c": 1}]}}


def test_records_are_stored_in_the_order_of_replies(notes):
    made = notes.post("/v1/notes", "text=a&metadata[z]=1&metadata[a]=2").json

    assert list(notes.get(f"/v1/notes/{made['id']}").json["metadata"]) == ["z", "a"]


def test_bodies_are_indented_by_two_and_end_with_a_newline():
    assert encoded({"a": {"b": 1}}) == b'{\n  "a": {\n    "b": 1\n  }\n}\n'


@pytest.fixture
def pair(notes):
    """A note, and one about it."""
    first = notes.post("/v1/notes", "text=first").json["id"]
    return first, notes.post("/v1/notes", f"text=second&about={first}").json["id"]


def test_hidden_members_never_show(notes, pair):
    assert "private" not in notes.get(f"/v1/notes/{pair[0]}").json


@pytest.mark.parametrize("how", ["expand[]=about", "expand[0]=about", "expand=about", "expand[]=about&expand[]=about"])
def test_a_reference_expands_to_what_its_own_retrieve_shows(notes, pair, how):
    first, second = pair

    answer = notes.get(f"/v1/notes/{second}?{how}")

    assert answer.json["about"] == notes.get(f"/v1/notes/{first}").json


def test_expansion_descends_and_ignores_unknown_deeper_segments(notes, pair):
    first, second = pair
    third = notes.post("/v1/notes", f"text=third&about={second}&expand[]=about.about.nonsense").json

    assert third["about"]["about"]["id"] == first


@pytest.mark.parametrize("path, status", [("about.about.about.about", 200), ("about.about.about.about.about", 400)])
def test_four_levels_can_be_expanded(notes, pair, path, status):
    assert notes.get(f"/v1/notes/{pair[1]}?expand[]={path}").status_code == status


def test_lists_expand_from_data(notes, pair):
    listed = notes.get("/v1/notes?expand[]=data.about").json["data"]

    assert listed[0]["about"]["id"] == pair[0]
    assert listed[1]["about"] is None


def test_what_is_shown_on_request_is_absent_otherwise_and_refused_elsewhere(notes, pair):
    first, _ = pair

    assert "secret" not in notes.get(f"/v1/notes/{first}").json
    assert notes.get(f"/v1/notes/{first}?expand[]=secret").json["secret"] == f"secret of {first}"
    refused = notes.get("/v1/notes?expand[]=data.secret").json["error"]
    assert refused["message"] == "This property cannot be expanded (data.secret)."
    refused = notes.post("/v1/notes", "text=x&expand[]=secret").json["error"]
    assert refused["message"] == "This property cannot be expanded (secret)."


def test_what_only_a_retrieve_shows_does_not_slip_in_through_another_object(notes, pair):
    first, second = pair

    through = notes.get(f"/v1/notes/{second}?expand[]=about.secret").json

    assert "secret" not in through
    assert through["about"]["id"] == first
    assert "secret" not in through["about"]


@pytest.mark.parametrize(
    "paths", [["replies.about", "replies.replies"], ["replies.replies", "replies.about"], ["replies.about", "replies"]]
)
def test_a_later_path_keeps_what_an_earlier_one_expanded(notes, pair, paths):
    first, second = pair

    shown = notes.get(f"/v1/notes/{first}?" + "&".join(f"expand[]={path}" for path in paths)).json

    (reply,) = shown["replies"]["data"]
    assert reply["id"] == second
    assert reply["about"] == notes.get(f"/v1/notes/{first}").json
    assert ("replies" in reply) is ("replies.replies" in paths)


def test_what_is_shown_on_request_is_filled_for_each_of_its_owners(notes, pair):
    first, second = pair
    third = notes.post("/v1/notes", f"text=third&about={second}").json["id"]

    listed = notes.get("/v1/notes?expand[]=data.replies&expand[]=data.replies.about").json["data"]

    replies = {note["id"]: [reply["id"] for reply in note["replies"]["data"]] for note in listed}
    assert replies == {third: [], second: [third], first: [second]}
    assert [reply["about"]["id"] for note in listed for reply in note["replies"]["data"]] == [second, first]


def test_a_refused_expansion_leaves_no_write_behind(notes):
    notes.post("/v1/notes", "text=x&expand[]=nonsense")

    assert notes.get("/v1/notes").json["data"] == []


def test_events_hold_nothing_expanded(notes, pair):
    notes.post(f"/v1/notes/{pair[1]}", "text=new&expand[]=about")

    event = notes.get("/v1/events?type=note.updated").json["data"][0]
    assert event["data"]["object"]["about"] == pair[0]


def test_a_record_is_drawn_again_after_money_has_moved(notes):
    id = notes.post("/v1/notes", "text=jar").json["id"]

    reply = notes.post(f"/v1/notes/{id}/coins", "coins=5").json

    told = {event["type"]: event["data"]["object"]["jar"] for event in notes.get("/v1/events").json["data"]}
    assert (told["note.held_out"], told["note.thanked"], reply["jar"]) == (0, 5, 5)


def test_a_deleted_object_answers_its_stub_and_is_missing_afterwards(notes, pair):
    answer = notes.send("DELETE", f"/v1/notes/{pair[0]}")

    assert answer.json == {"id": pair[0], "object": "note", "deleted": True}
    assert json.loads(answer.data) == answer.json
    missing = notes.get(f"/v1/notes/{pair[0]}").json["error"]
    assert (missing["code"], missing["param"]) == ("resource_missing", "note")


@pytest.mark.parametrize("id, hint", [("nt_x", False), ("nt_x%20", True), ('nt_"x"', True)])
def test_an_id_with_blanks_or_quotes_gets_a_hint(notes, id, hint):
    message = notes.get(f"/v1/notes/{id}").json["error"]["message"]

    assert message.endswith("Make sure you use the exact id without extra whitespace or quotes") is hint
