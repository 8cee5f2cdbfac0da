"""A step is whole or not at all: records, money, events and the keyed reply together."""

from functools import cached_property

import pytest

from emulator.kernel.database.schema import Schema
from emulator.kernel.step import Step
from emulator.kernel.world import World
from tests.kernel.notes import CATALOG, NotesClient, notes_app


def everything(notes: NotesClient) -> dict[str, list[tuple]]:
    """Every row of every table."""
    tenant = notes.app.tenants.open("notes")
    with tenant.stored.reading() as session:
        names = Schema(tenant.catalog.records.values()).tables
        return {name: session.all(f"SELECT * FROM {name}") for name in names}


def tables(notes: NotesClient) -> dict[str, list[tuple]]:
    """Every row of every table but the idempotent replies and the clock's."""
    return {name: rows for name, rows in everything(notes).items() if name not in ("idempotent_reply", "tenant")}


def test_a_refused_operation_leaves_nothing_behind(notes):
    notes.post("/v1/notes", "text=first&coins=5")
    before = tables(notes)

    refused = notes.post("/v1/notes", "text=forbidden&coins=7")

    assert refused.status_code == 400
    assert tables(notes) == before


def test_a_keyed_refusal_leaves_only_its_reply_behind_and_is_repeated(notes):
    notes.post("/v1/notes", "text=first")
    before = tables(notes)

    first = notes.post("/v1/notes", "text=forbidden&coins=7", Idempotency_Key="k1")
    again = notes.post("/v1/notes", "text=forbidden&coins=7", Idempotency_Key="k1")

    assert (first.status_code, again.status_code) == (400, 400)
    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert tables(notes) == before


def test_a_repeated_key_gives_the_same_bytes_and_does_nothing_again(notes):
    first = notes.post("/v1/notes", "text=once&coins=5", Idempotency_Key="k1")
    before = tables(notes)

    again = notes.post("/v1/notes", "coins=5&text=once", Idempotency_Key="k1")

    assert first.headers["Original-Request"] == first.headers["Request-Id"]
    assert first.headers["Stripe-Should-Retry"] == "false"
    assert "Idempotent-Replayed" not in first.headers
    assert again.data == first.data
    assert tables(notes) == before


def test_a_key_used_with_other_parameters_or_elsewhere_is_an_idempotency_error(notes):
    id = notes.post("/v1/notes", "text=once", Idempotency_Key="k1").json["id"]

    other_parameters = notes.post("/v1/notes", "text=twice", Idempotency_Key="k1")
    elsewhere = notes.post(f"/v1/notes/{id}", "text=once", Idempotency_Key="k1")

    assert other_parameters.json["error"]["type"] == "idempotency_error"
    assert "with the same parameters" in other_parameters.json["error"]["message"]
    assert elsewhere.status_code == 400
    assert f"('/v1/notes/{id}' vs '/v1/notes')" in elsewhere.json["error"]["message"]


def test_a_refusal_by_validation_is_not_remembered(notes):
    refused = notes.post("/v1/notes", "foo=1", Idempotency_Key="k1")
    accepted = notes.post("/v1/notes", "text=fine", Idempotency_Key="k1")

    assert (refused.status_code, accepted.status_code) == (400, 200)


def test_an_invalid_repeat_of_a_used_key_is_a_mismatch_not_a_validation_error(notes):
    notes.post("/v1/notes", "text=fine", Idempotency_Key="k1")

    assert notes.post("/v1/notes", "foo=1", Idempotency_Key="k1").json["error"]["type"] == "idempotency_error"


@pytest.mark.parametrize(
    "length, says",
    [
        (0, "Idempotency Key must be a non-empty string."),
        (1, None),
        (255, None),
        (256, "Idempotency Key must be at most 255 characters."),
    ],
)
def test_a_key_has_1_to_255_characters(notes, length, says):
    answer = notes.post("/v1/notes", "text=x", Idempotency_Key="k" * length)

    assert answer.json.get("error", {}).get("message") == says
    assert (answer.status_code, len(notes.get("/v1/notes").json["data"])) == ((400, 0) if says else (200, 1))


@pytest.mark.parametrize("seconds, is_repeated", [(24 * 60 * 60 - 1, True), (24 * 60 * 60, False)])
def test_keys_are_forgotten_after_a_day_on_the_tenants_clock(notes, seconds, is_repeated):
    notes.post("/_emulator/clock", "frozen=true")
    first = notes.post("/v1/notes", "text=once", Idempotency_Key="k1")
    notes.post("/_emulator/clock", f"advance={seconds}")

    later = notes.post("/v1/notes", "text=once", Idempotency_Key="k1")

    assert (later.json["id"] == first.json["id"]) is is_repeated
    assert ("Idempotent-Replayed" in later.headers) is is_repeated


def test_replies_that_nobody_can_ask_for_any_more_are_not_kept(notes):
    def kept_after(seconds: int, key: str) -> int:
        notes.post("/_emulator/clock", f"advance={seconds}")
        notes.post("/v1/notes", "text=x", Idempotency_Key=key)
        return len(everything(notes)["idempotent_reply"])

    notes.post("/_emulator/clock", "frozen=true")

    assert [kept_after(0, "k1"), kept_after(24 * 60 * 60 - 1, "k2"), kept_after(1, "k3")] == [1, 2, 2]


def test_a_keyed_refusal_uses_up_none_of_the_worlds_chance(notes):
    def next_id(*refused: str) -> str:
        notes.post("/_emulator/reset")
        notes.post("/_emulator/clock", "set=2000000000&frozen=true")
        for key in refused:
            assert notes.post("/v1/notes", "text=forbidden", Idempotency_Key=key).status_code == 400
        return notes.post("/v1/notes", "text=fine").json["id"]

    assert next_id() == next_id("k1", "k2")


def test_a_step_that_is_rolled_back_is_as_it_began(notes):
    with notes.app.tenants.open("notes").writing() as step:
        world, began = World(step, step.row.platform), set(vars(step))

        with pytest.raises(ZeroDivisionError), step.attempt():
            world.new_id("note")
            world.hint("It may surprise.")
            for name, value in vars(Step).items():
                if isinstance(value, cached_property):
                    getattr(step, name)
            raise ZeroDivisionError

        assert set(vars(step)) == began
        assert (step.draws, step.hints, step.events, step.seen) == (step.row.draws, [], [], {})


def test_a_rehearsal_is_taken_back_and_what_goes_wrong_in_it_is_not_hidden(notes):
    notes.post("/v1/notes", "text=first")
    before = tables(notes)

    with notes.app.tenants.open("notes").writing() as step:
        world = World(step, step.row.platform)
        (note,) = world.all(CATALOG.records["note"])
        with step.rehearsal():
            world.forget(note)
            rehearsed = world.all(CATALOG.records["note"])
        with pytest.raises(ZeroDivisionError), step.rehearsal():
            raise ZeroDivisionError

        assert rehearsed == [] and step.draws == step.row.draws
        assert World(step, step.row.platform).all(CATALOG.records["note"]) == [note]
    assert tables(notes) == before


def test_a_get_ignores_the_idempotency_key(notes):
    answer = notes.get("/v1/notes", Idempotency_Key="k1")

    assert "Idempotency-Key" not in answer.headers


def test_a_bug_of_ours_is_a_500_that_is_not_retried_and_changes_nothing(notes, caplog):
    before = tables(notes)

    answer = notes.post("/v1/notes", "text=crash")

    assert answer.status_code == 500
    assert answer.json == {"error": {"message": "An unknown error occurred", "type": "api_error"}}
    assert answer.headers["Stripe-Should-Retry"] == "false"
    assert "a bug of ours" in caplog.text
    assert tables(notes) == before


def test_an_event_tells_its_cause_and_the_state_of_that_moment(notes):
    answer = notes.post("/v1/notes", "text=first", Idempotency_Key="k1")
    notes.post(f"/v1/notes/{answer.json['id']}", "text=second")

    event = notes.get("/v1/events?type=note.created").json["data"][0]

    assert event["request"] == {"id": answer.headers["Request-Id"], "idempotency_key": "k1"}
    assert event["data"]["object"]["text"] == "first"
    assert "previous_attributes" not in event["data"]


def test_an_update_event_tells_what_was_before(notes):
    id = notes.post("/v1/notes", "text=a&place[city]=Rome&place[street]=X&metadata[k]=1").json["id"]

    notes.post(f"/v1/notes/{id}", "text=b&place[city]=Rome&place[street]=Y&metadata[k]=2&metadata[new]=3")

    event = notes.get("/v1/events?type=note.updated").json["data"][0]
    assert event["data"]["previous_attributes"] == {
        "metadata": {"k": "1", "new": None},
        "place": {"street": "X"},
        "text": "a",
    }


def test_an_update_that_changes_nothing_is_not_announced(notes):
    id = notes.post("/v1/notes", "text=a").json["id"]

    notes.post(f"/v1/notes/{id}", "text=a")

    assert notes.get("/v1/events?type=note.updated").json["data"] == []


def test_due_work_runs_before_the_next_request_with_the_time_it_was_due(notes):
    start = notes.post("/_emulator/clock", "frozen=true").json["now"]
    id = notes.post("/v1/notes", "text=first").json["id"]

    notes.post("/_emulator/clock", "advance=3600")

    reminder = notes.get("/v1/notes").json["data"][0]
    assert (reminder["about"], reminder["created"], reminder["text"]) == (id, start + 60, "hello")


def test_due_work_may_be_due_again_by_itself(notes):
    notes.post("/_emulator/clock", "frozen=true")
    notes.post("/v1/notes", "text=again and again")

    notes.post("/_emulator/clock", "advance=300")

    assert [note["text"] for note in notes.get("/v1/notes").json["data"]] == [*["hello"] * 5, "again and again"]


def test_due_work_that_fails_is_set_aside_and_reported(notes, caplog):
    notes.post("/v1/notes", "text=stumble")
    notes.post("/v1/notes", "text=walks")

    notes.post("/_emulator/clock", "advance=3600")

    failures = notes.get("/_emulator/due").json["data"]
    assert [(item["action"], item["failure"]) for item in failures] == [("notes.remind", "RuntimeError: stumbled")]
    assert [note["text"] for note in notes.get("/v1/notes").json["data"]] == ["hello", "walks", "stumble"]
    (move,) = notes.get("/_emulator/clock/moves").json["data"]
    assert (move["done"][0]["says"], move["failed"]) == ("1 × notes.remind", 1)


def test_work_that_was_set_aside_can_be_tried_again_and_may_fail_again(notes, monkeypatch, caplog):
    notes.post("/v1/notes", "text=stumble")
    notes.post("/_emulator/clock", "advance=3600")
    (item,) = notes.get("/_emulator/due").json["data"]

    failed_again = notes.post(f"/_emulator/due/{item['id']}/retry").json["data"]
    monkeypatch.setitem(notes.app.tenants.catalog.due, "notes.remind", lambda world, about, **details: None)
    retried = notes.post(f"/_emulator/due/{item['id']}/retry")

    assert failed_again == [item]
    assert (retried.status_code, retried.json["data"]) == (200, [])
    assert notes.post(f"/_emulator/due/{item['id']}/retry").status_code == 404


@pytest.mark.parametrize("seconds, is_there", [(30 * 24 * 60 * 60 - 1, True), (30 * 24 * 60 * 60, False)])
def test_events_vanish_after_thirty_days(notes, seconds, is_there):
    notes.post("/_emulator/clock", "frozen=true")
    notes.post("/v1/notes", "text=first")
    event = notes.get("/v1/events").json["data"][0]["id"]

    notes.post("/_emulator/clock", f"advance={seconds}")

    assert [one["id"] for one in notes.get("/v1/events").json["data"]] == [event] * is_there
    assert notes.get(f"/v1/events/{event}").status_code == (200 if is_there else 404)


def test_the_same_seed_gives_the_same_ids_and_another_seed_others(tmp_path):
    def first_id(folder: str, seed: int) -> str:
        client = NotesClient(notes_app(tmp_path / folder, seed))
        client.post("/_emulator/clock", "set=2000000000&frozen=true")
        return client.post("/v1/notes", "text=x").json["id"]

    assert first_id("a", 1) == first_id("b", 1) != first_id("c", 2)


def test_tenants_of_one_server_do_not_meet(notes):
    other = NotesClient(notes.app, "sk_test_other")
    id = notes.post("/v1/notes", "text=mine").json["id"]

    assert other.get(f"/v1/notes/{id}").status_code == 404
    assert other.get("/v1/notes").json["data"] == []
    assert NotesClient(notes.app, "rk_test_notes").get(f"/v1/notes/{id}").status_code == 200


def test_what_was_written_is_there_after_a_restart(tmp_path):
    client = NotesClient(notes_app(tmp_path))
    first = client.post("/v1/notes", "text=kept&coins=5", Idempotency_Key="k1")
    client.app.tenants.close()

    reopened = NotesClient(notes_app(tmp_path))

    assert reopened.get(f"/v1/notes/{first.json['id']}").json["jar"] == 5
    assert reopened.post("/v1/notes", "text=kept&coins=5", Idempotency_Key="k1").data == first.data


def test_a_bad_setting_is_refused_and_an_empty_one_goes_back_to_its_default(notes):
    assert notes.post("/_emulator/settings", "loud=maybe").status_code == 400
    assert notes.post("/_emulator/settings", "loud=true").json["loud"] is True
    assert notes.post("/_emulator/settings", "loud=").json["loud"] is False


def test_the_catalog_knows_its_records_by_object_and_prefix():
    assert CATALOG.records["note"] is CATALOG.prefixes["nt"]


def test_only_what_a_module_says_it_tells_of_can_be_told(notes):
    with notes.app.tenants.open("notes").writing() as step:
        world = World(step, step.row.platform)

        world.tell("account.opened")
        with pytest.raises(AssertionError, match=r"no module says that it tells of account\.rejected"):
            world.tell("account.rejected")
