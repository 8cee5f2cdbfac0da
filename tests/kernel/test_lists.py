"""Pages, cursors and filters."""

import pytest


@pytest.fixture
def five(notes):
    """Ids of five notes, newest first; two share a second."""
    start = notes.post("/_emulator/clock", "frozen=true").json["now"]
    ids = []
    for number in range(5):
        if number != 3:
            notes.post("/_emulator/clock", "advance=1")
        status = "done" if number % 2 else "open"
        ids.append(notes.post("/v1/notes", f"text=n{number}&status={status}").json["id"])
    return list(reversed(ids)), start


def ids(answer):
    return [note["id"] for note in answer.json["data"]]


def test_lists_are_newest_first_and_ties_are_broken_by_creation(notes, five):
    all_ids, _ = five
    answer = notes.get("/v1/notes")

    assert ids(answer) == all_ids
    assert (answer.json["object"], answer.json["url"], answer.json["has_more"]) == ("list", "/v1/notes", False)


def test_pages_forward_and_backward_cover_everything_once(notes, five):
    all_ids, _ = five
    first = notes.get("/v1/notes?limit=2")
    second = notes.get(f"/v1/notes?limit=2&starting_after={ids(first)[-1]}")
    last = notes.get(f"/v1/notes?limit=2&starting_after={ids(second)[-1]}")
    back = notes.get(f"/v1/notes?limit=2&ending_before={ids(last)[0]}")

    assert ids(first) + ids(second) + ids(last) == all_ids
    assert [page.json["has_more"] for page in (first, second, last)] == [True, True, False]
    assert ids(back) == ids(second)
    assert back.json["has_more"] is True


@pytest.mark.parametrize("direction", ["starting_after", "ending_before"])
@pytest.mark.parametrize("limit, has_more", [(3, True), (4, False), (5, False)])
def test_a_page_of_all_there_is_has_no_more_in_either_direction(notes, five, direction, limit, has_more):
    all_ids, _ = five
    cursor = all_ids[0] if direction == "starting_after" else all_ids[-1]

    page = notes.get(f"/v1/notes?limit={limit}&{direction}={cursor}")

    assert (len(ids(page)), page.json["has_more"]) == (min(limit, 4), has_more)


@pytest.mark.parametrize("limit, has_more", [(4, True), (5, False), (6, False)])
def test_the_first_page_has_more_only_where_there_is_more(notes, five, limit, has_more):
    page = notes.get(f"/v1/notes?limit={limit}")

    assert (len(ids(page)), page.json["has_more"]) == (min(limit, 5), has_more)


def test_filters_and_ranges_combine(notes, five):
    all_ids, start = five

    assert ids(notes.get("/v1/notes?status=done")) == [all_ids[1], all_ids[3]]
    assert ids(notes.get(f"/v1/notes?created={start + 1}")) == [all_ids[4]]
    assert ids(notes.get(f"/v1/notes?created[gt]={start + 1}&created[lte]={start + 3}")) == all_ids[1:4]
    assert ids(notes.get(f"/v1/notes?created[gt]={start + 9}")) == []
    assert ids(notes.get("/v1/notes?about=nt_nobody")) == []


def test_a_cursor_need_not_match_the_filter(notes, five):
    all_ids, _ = five

    assert ids(notes.get(f"/v1/notes?status=done&starting_after={all_ids[0]}")) == [all_ids[1], all_ids[3]]


def test_an_unknown_cursor_is_a_missing_resource(notes):
    error = notes.get("/v1/notes?ending_before=nt_x").json["error"]

    assert (error["code"], error["param"], error["message"]) == (
        "resource_missing",
        "ending_before",
        "No such note: 'nt_x'",
    )


def test_two_cursors_are_refused_but_an_unknown_one_is_named_first(notes, five):
    all_ids, _ = five
    both = notes.get(f"/v1/notes?starting_after={all_ids[0]}&ending_before={all_ids[1]}").json["error"]
    unknown = notes.get(f"/v1/notes?starting_after=nt_x&ending_before={all_ids[1]}").json["error"]

    assert both["message"] == "Received both starting_after and ending_before parameters. Please pass in only one."
    assert unknown["param"] == "starting_after"


@pytest.mark.parametrize("limit, length", [("0", 1), ("-5", 1), ("3", 3), ("1000", 5)])
def test_the_limit_is_clamped(notes, five, limit, length):
    assert len(notes.get(f"/v1/notes?limit={limit}").json["data"]) == length


def test_the_event_list_calls_its_cursor_a_notification(notes):
    error = notes.get("/v1/events?starting_after=evt_x").json["error"]

    assert error["message"] == "No such notification: 'evt_x'"


def test_event_types_can_be_given_exactly_with_a_star_or_as_a_list(notes, five):
    assert len(notes.get("/v1/events?types[]=note.created&types[]=note.updated").json["data"]) == 5
    assert notes.get("/v1/events?type=issuing_card.*").json["data"] == []
    refused = notes.get("/v1/events?type=note.created&types[]=note.created").json["error"]
    assert refused["code"] == "parameters_exclusive"
