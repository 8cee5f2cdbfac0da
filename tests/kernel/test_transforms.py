"""The vocabulary of the table of versions: what each transform does to members and to parameters, and what it says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from emulator.kernel.errors import ApiError
from emulator.kernel.transforms import (
    Default,
    Drop,
    Keep,
    Map,
    Move,
    Only,
    Rename,
    Rewrite,
    Spread,
    Transform,
    at,
    placed,
    steps,
    taken,
)

KEEP = Keep("r.errors", "about", ("r.now[]", "r.past[]"))
CASES: dict[str, tuple[Transform, Any, Any]] = {
    "a name": (Rename("a.new", "old"), {"a": {"new": 1, "b": 2}}, {"a": {"old": 1, "b": 2}}),
    "a name at the top": (Rename("new", "old"), {"new": None}, {"old": None}),
    "a name under either of two": (
        Rename("a|b.new", "old"),
        {"a": {"new": 1}, "b": None, "c": {"new": 2}},
        {"a": {"old": 1}, "b": None, "c": {"new": 2}},
    ),
    "a name in every element": (Rename("rows[].new", "old"), {"rows": [{"new": 1}, {}]}, {"rows": [{"old": 1}, {}]}),
    "a word": (Map("status", {"expired": "reversed"}), {"status": "expired"}, {"status": "reversed"}),
    "another word": (Map("status", {"expired": "reversed"}), {"status": "closed"}, {"status": "closed"}),
    "a word that becomes null": (Map("why", {"design": None}), {"why": "design"}, {"why": None}),
    "a null that is no word": (Map("why", {"design": None}), {"why": None}, {"why": None}),
    "a hash that is no word": (Map("why", {"design": None}), {"why": {"design": 1}}, {"why": {"design": 1}}),
    "words by their beginning": (
        Map("due[]", {"owners.*": "owner", "individual.*": "person.*"}),
        {"due": ["owners.name", "owners.dob", "individual.dob.day", "url"]},
        {"due": ["owner", "person.dob.day", "url"]},
    ),
    "a word beside another": (
        Map("rows[].why", {"fallback": "active"}, beside=("approved", True)),
        {"rows": [{"why": "fallback", "approved": True}, {"why": "fallback", "approved": False}]},
        {"rows": [{"why": "active", "approved": True}, {"why": "fallback", "approved": False}]},
    ),
    "a member elsewhere": (Move("a.b", "c.d"), {"a": {"b": 1, "e": 2}}, {"a": {"e": 2}, "c": {"d": 1}}),
    "the last member of a hash": (Move("a.b", "c"), {"a": {"b": 1}, "e": 2}, {"e": 2, "c": 1}),
    "a member in its hash's place": (Move("request.id", "request"), {"request": {"id": 1, "key": 2}}, {"request": 1}),
    "a null elsewhere": (Move("a.b", "c"), {"a": {"b": None}}, {"c": None}),
    "a member that is not there": (Drop("a.b"), {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}),
    "rows that are kept": (
        KEEP,
        {"r": {"errors": [{"about": "x"}, {"about": "y"}, {"about": "z"}], "now": ["x"], "past": ["z"]}},
        {"r": {"errors": [{"about": "x"}, {"about": "z"}], "now": ["x"], "past": ["z"]}},
    ),
    "a word that counts": (Only("a[word]", ("x", "y")), {"a": {"word": "x"}}, {"a": {"word": "x"}}),
    "a word that does not": (Only("a[word]", ("x", "y")), {"a": {"word": "z", "b": "1"}}, {"a": {"b": "1"}}),
    "words that count": (Only("a[]", ("x", "y")), {"a": ["x", "z", "y"]}, {"a": ["x", "y"]}),
    "numbered words that count": (Only("a[]", ("x", "y")), {"a": {"0": "z", "1": "y"}}, {"a": ["y"]}),
    "a default": (Default("a[b][c]", "off"), {"a": {"d": "1"}}, {"a": {"d": "1", "b": {"c": "off"}}}),
    "a default beside what was sent": (Default("a[b][c]", "off"), {"a": {"b": {"c": "on"}}}, {"a": {"b": {"c": "on"}}}),
    "no default without its hash": (Default("a[b][c]", "off"), {"d": "1"}, {"d": "1"}),
    "names as hashes": (
        Spread("asked", "abilities", {"requested": "true"}),
        {"asked": ["x", "y"], "abilities": {"z": {}}},
        {"abilities": {"z": {}, "x": {"requested": "true"}, "y": {"requested": "true"}}},
    ),
    "numbered names as hashes": (
        Spread("asked", "abilities", {"requested": "true"}),
        {"asked": {"0": "x"}},
        {"abilities": {"x": {"requested": "true"}}},
    ),
    "names that are none": (Spread("asked", "abilities", {}), {"asked": "x"}, {"asked": "x"}),
    "a function": (Rewrite("a|b", lambda sent: {**sent, "c": 1}, "its words"), {"a": 2}, {"a": 2, "c": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_transform_makes_of_members_what_it_says_and_leaves_the_original_alone(name):
    transform, members, expected = CASES[name]
    original = copy.deepcopy(members)

    assert transform(members) == expected
    assert members == original


@pytest.mark.parametrize("name", CASES)
def test_where_a_path_leads_nowhere_nothing_changes(name):
    transform = CASES[name][0]
    if not isinstance(transform, Rewrite):
        assert transform({}) == {}
        assert transform({"a": None, "r": "text", "rows": 1, "due": {}}) == {
            "a": None,
            "r": "text",
            "rows": 1,
            "due": {},
        }


def test_a_renamed_parameter_keeps_its_place_and_its_newer_name_is_unknown():
    rename = Rename("risk[card][risk_level]", "level")

    assert list(rename({"risk": {"card": {"risk_level": "x", "rate": "1"}}})["risk"]["card"]) == ["level", "rate"]
    with pytest.raises(ApiError) as refusal:
        rename({"risk": {"card": {"level": "x"}}})
    assert (refusal.value.code, refusal.value.param) == ("parameter_unknown", "risk[card][level]")


@pytest.mark.parametrize(
    "transform, seen, sent",
    [
        (Rename("a.new", "old"), "`a.old` instead of `a.new`", "`a.new` instead of `a.old`"),
        (Rename("a[old]", "new"), "`a[new]` instead of `a[old]`", "`a[old]` instead of `a[new]`"),
        (Move("a.b", "c"), "`c` instead of `a.b`", "`a.b` instead of `c`"),
        (
            Map("a", {"x": "z", "y": "z", "w": None}),
            "`a`: `z` instead of `x`, `y`; null instead of `w`",
            "`a`: `x` instead of `z`; `y` instead of `z`; `w` instead of null",
        ),
        (
            Map("a", {"x": True}, beside=("b", False)),
            "`a`: `true` instead of `x`, where `b` is `false`",
            "`a`: `x` instead of `true`, where `b` is `false`",
        ),
        (Drop("a"), "no `a`", "`a`, which is read over"),
        (KEEP, *["`r.errors`: only those whose `about` is in `r.now[]` or `r.past[]`"] * 2),
        (Only("a", ("x", "y")), *["`a`: any text; other words than `x`, `y` are read over"] * 2),
        (Default("a[b]", "off"), *["`a[b]` is `off` unless it is sent"] * 2),
        (Spread("a", "b", {"c": "true"}), *["`a[]=…` instead of `b[…][c]=true`"] * 2),
        (Rewrite("a", dict, "its words"), *["its words"] * 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Transform) else "",
)
def test_a_transform_says_what_it_does_with_what_older_clients_know_first(transform, seen, sent):
    assert transform.says(sent=False) == seen
    assert transform.says(sent=True) == sent


def test_a_transform_names_where_it_begins():
    assert Rename("a|b[c][d]", "e").begins == ["a", "b"]


def test_paths_are_read_as_stripe_writes_them():
    assert steps("request_history[].reason") == ["request_history", "[]", "reason"]
    assert steps("shipping[address][line1]") == ["shipping", "address", "line1"]
    assert at({"a": {"0": 1, "1": 2}}, steps("a[]"), lambda value: value + 1) == {"a": {"0": 2, "1": 3}}
    assert taken({"a": {"b": {"c": 1}}}, steps("a.b.c")) == (1, {})
    assert placed(None, steps("a[b]"), 1) == {"a": {"b": 1}}
    assert placed({"a": "text"}, steps("a[b]"), 1) == {"a": "text"}
