"""Personalization designs and the physical bundles they are printed on."""

from __future__ import annotations

import io
from itertools import product

import pytest

from emulator.issuing.personalization_designs import LIFECYCLE, LOGO_REASONS, TEXT_REASONS, PersonalizationDesign
from tests.issuing.holders import CARDS, SHIPPING, a_connected_account, a_physical_card, card_params, told
from tests.issuing.purchases import in_a_step

DESIGNS, BUNDLES = "/v1/issuing/personalization_designs", "/v1/issuing/physical_bundles"
HELPERS = {"activate": "activated", "deactivate": "deactivated", "reject": "rejected"}
ARROWS = {
    "review": {"activate": "active", "reject": "rejected"},
    "active": {"activate": "active", "deactivate": "inactive", "reject": "rejected"},
    "inactive": {"activate": "active", "deactivate": "inactive"},
    "rejected": {"activate": "active"},
}
WAY_TO = {"review": [], "active": ["activate"], "inactive": ["activate", "deactivate"], "rejected": ["reject"]}
TEXT = {"header_title": "Hello", "header_body": "Your card", "footer_title": "Bye", "footer_body": "Enjoy"}


def the_bundle(client):
    return client.read(BUNDLES)["data"][0]["id"]


def a_logo(client, purpose="issuing_logo"):
    return client.made("/v1/files", purpose=purpose, file=(io.BytesIO(b"\x89PNG logo"), "logo.png"))["id"]


def a_design(client, **more):
    return client.made(DESIGNS, **{"physical_bundle": the_bundle(client), **more})


def helped(client, design, verb, **params):
    """The reply to one of the test helpers."""
    if verb == "reject" and not params:
        params = {"rejection_reasons": {"carrier_text": ["other"]}}
    return client.post(f"/v1/test_helpers/issuing/personalization_designs/{design['id']}/{verb}", **params)


# Bundles


def test_every_account_has_one_standard_bundle(platform):
    client = a_connected_account(platform, "card_issuing", "transfers")

    for account in (platform, client):
        (bundle,) = account.read(BUNDLES)["data"]
        assert bundle == {
            "id": bundle["id"],
            "object": "issuing.physical_bundle",
            "features": {"card_logo": "optional", "carrier_text": "optional", "second_line": "optional"},
            "livemode": False,
            "name": "Standard",
            "status": "active",
            "type": "standard",
        }
        assert account.read(f"{BUNDLES}/{bundle['id']}") == bundle
        assert bundle["id"].startswith("ics_") and len(bundle["id"]) == 18
    assert the_bundle(platform) != the_bundle(client)


@pytest.mark.parametrize(
    "filters, found", [({"status": "active"}, 1), ({"status": "review"}, 0), ({"type": "custom"}, 0)]
)
def test_bundles_are_listed_by_status_and_type(platform, filters, found):
    assert len(platform.read(BUNDLES, **filters)["data"]) == found


def test_an_unknown_bundle_is_missing(platform):
    error = platform.get(f"{BUNDLES}/ics_nope").error

    assert (error["message"], error["param"]) == ("No such physical bundle: 'ics_nope'", "physical_bundle")


# Designs


def test_every_account_has_an_active_default_design(platform):
    (design,) = platform.read(DESIGNS)["data"]

    assert design == {
        "id": design["id"],
        "object": "issuing.personalization_design",
        "card_logo": None,
        "carrier_text": None,
        "created": design["created"],
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "name": "Standard",
        "physical_bundle": the_bundle(platform),
        "preferences": {"is_default": True, "is_platform_default": None},
        "rejection_reasons": {"card_logo": [], "carrier_text": []},
        "status": "active",
    }
    assert platform.read(f"{DESIGNS}/{design['id']}") == design
    assert platform.events() == []


def test_a_design_with_a_logo_or_text_starts_in_review(platform):
    logo = a_logo(platform)

    plain = a_design(platform, name="Plain", metadata={"a": "b"}, lookup_key="plain")
    with_logo = a_design(platform, card_logo=logo)
    with_text = a_design(platform, carrier_text={**TEXT, "footer_body": None})

    assert (plain["status"], plain["name"], plain["lookup_key"]) == ("active", "Plain", "plain")
    assert plain["preferences"]["is_default"] is False and plain["metadata"] == {"a": "b"}
    assert (with_logo["status"], with_logo["card_logo"]) == ("review", logo)
    assert with_text["status"] == "review" and with_text["carrier_text"] == {**TEXT, "footer_body": None}
    assert [kind for kind in platform.event_types() if "design" in kind] == []
    expanded = platform.read(f"{DESIGNS}/{with_logo['id']}", expand=["card_logo", "physical_bundle"])
    assert (expanded["card_logo"]["purpose"], expanded["physical_bundle"]["name"]) == ("issuing_logo", "Standard")


def test_a_design_on_a_bundle_that_is_not_approved_starts_in_review_and_stays_there(platform):
    bundle = the_bundle(platform)
    platform.made(f"/_emulator/issuing/physical_bundles/{bundle}", status="review", type="custom")

    design = a_design(platform)
    refusals = [helped(platform, design, verb) for verb in ("activate", "reject")]
    platform.made(f"/_emulator/issuing/physical_bundles/{bundle}", status="active")

    assert design["status"] == "review"
    assert {answer.status for answer in refusals} == {400}
    assert helped(platform, design, "activate").json["status"] == "active"


@pytest.mark.parametrize(
    "params, param, code",
    [
        ({"physical_bundle": "ics_nope"}, "physical_bundle", "resource_missing"),
        ({"card_logo": "file_nope"}, "card_logo", "resource_missing"),
        ({"lookup_key": "k" * 201}, "lookup_key", None),
        ({"preferences": {"is_platform_default": True}}, "preferences[is_platform_default]", "parameter_unknown"),
        ({"preferences": {"is_default": True}, "carrier_text": TEXT}, "preferences[is_default]", None),
        ({"physical_bundle": None}, "physical_bundle", "parameter_invalid_empty"),
    ],
)
def test_a_design_cannot_be(platform, params, param, code):
    answer = platform.post(DESIGNS, **{"physical_bundle": the_bundle(platform), **params})

    assert (answer.status, answer.error["param"], answer.error.get("code")) == (400, param, code)
    assert len(platform.read(DESIGNS)["data"]) == 1


def test_a_logo_is_uploaded_for_that_purpose(platform):
    answer = platform.post(DESIGNS, physical_bundle=the_bundle(platform), card_logo=a_logo(platform, "business_logo"))

    assert (answer.status, answer.error["param"]) == (400, "card_logo")


@pytest.mark.parametrize("name, value", [("card_logo", "a logo"), ("carrier_text", TEXT)])
def test_a_bundle_says_what_its_designs_have(platform, name, value):
    bundle = the_bundle(platform)
    value = a_logo(platform) if name == "card_logo" else value
    path = f"/_emulator/issuing/physical_bundles/{bundle}"

    platform.made(path, features={name: "unsupported"})
    unsupported = platform.post(DESIGNS, physical_bundle=bundle, **{name: value})
    platform.made(path, features={name: "required"})
    required = platform.post(DESIGNS, physical_bundle=bundle)

    assert (unsupported.status, unsupported.error["param"]) == (400, name)
    assert (required.status, required.error["param"]) == (400, name)
    assert a_design(platform, **{name: value})["status"] == "review"


@pytest.mark.parametrize("status, verb", list(product(ARROWS, HELPERS)))
def test_only_drawn_arrows_can_be_followed(platform, status, verb):
    design = a_design(platform, carrier_text=TEXT)
    for step in WAY_TO[status]:
        assert helped(platform, design, step).status == 200
    before, found = len(platform.events()), platform.read(f"{DESIGNS}/{design['id']}")

    answer = helped(platform, design, verb)

    if ARROWS[status].get(verb) == status:
        assert answer.json == found
        assert told(platform, before) == []
    elif verb in ARROWS[status]:
        assert answer.json["status"] == ARROWS[status][verb]
        assert told(platform, before) == [(f"issuing_personalization_design.{HELPERS[verb]}", None)]
    else:
        assert answer.status == 400 and repr(status) in answer.error["message"]
        assert told(platform, before) == []


def test_the_table_of_arrows_is_the_helpers_and_the_change_after_a_rejection():
    assert {**ARROWS, "rejected": {**ARROWS["rejected"], "change": "review"}} == LIFECYCLE.moves


def test_a_rejection_says_why(platform):
    design = a_design(platform, carrier_text=TEXT, card_logo=a_logo(platform))
    reasons = {"card_logo": list(LOGO_REASONS), "carrier_text": list(TEXT_REASONS)}

    missing = helped(platform, design, "reject", expand=["physical_bundle"])
    wrong = helped(platform, design, "reject", rejection_reasons={"carrier_text": ["non_binary_image"]})
    rejected = helped(platform, design, "reject", rejection_reasons=reasons)
    activated = helped(platform, design, "activate")

    assert (missing.error["code"], missing.error["param"]) == ("parameter_missing", "rejection_reasons")
    assert wrong.error["param"] == "rejection_reasons[carrier_text][0]"
    assert rejected.json["rejection_reasons"] == reasons
    assert activated.json["rejection_reasons"] == {"card_logo": [], "carrier_text": []}


@pytest.mark.parametrize("name", ["card_logo", "carrier_text", "physical_bundle"])
def test_what_is_printed_changes_only_after_a_rejection(platform, name):
    design = a_design(platform, carrier_text=TEXT)
    value = {
        "card_logo": a_logo(platform),
        "carrier_text": {"header_title": "Good day"},
        "physical_bundle": the_bundle(platform),
    }[name]

    refusal = platform.post(f"{DESIGNS}/{design['id']}", **{name: value})
    helped(platform, design, "reject")
    changed = platform.made(f"{DESIGNS}/{design['id']}", **{name: value})

    assert (refusal.status, refusal.error["param"]) == (400, name)
    assert changed["status"] == "review"
    assert changed["rejection_reasons"] == {"card_logo": [], "carrier_text": []}
    if name == "carrier_text":
        assert changed["carrier_text"] == {**TEXT, "header_title": "Good day"}
    kind, previous = told(platform)[-1]
    assert kind == "issuing_personalization_design.updated"
    assert previous["status"] == "rejected" and previous["rejection_reasons"] == {"carrier_text": ["other"]}


def test_an_empty_text_clears(platform):
    design = a_design(platform, carrier_text=TEXT, card_logo=a_logo(platform), name="Blue", lookup_key="blue")
    cleared = platform.made(f"{DESIGNS}/{design['id']}", name=None, lookup_key=None)
    event = told(platform)[-1]
    helped(platform, design, "reject")

    bare = platform.made(f"{DESIGNS}/{design['id']}", carrier_text=None, card_logo=None)

    assert (cleared["name"], cleared["lookup_key"]) == (None, None)
    assert event == ("issuing_personalization_design.updated", {"lookup_key": "blue", "name": "Blue"})
    assert (bare["carrier_text"], bare["card_logo"]) == (None, None)


def test_an_update_that_changes_nothing_tells_nobody(platform):
    design = a_design(platform, name="Blue")

    assert platform.made(f"{DESIGNS}/{design['id']}", name="Blue") == design
    assert platform.events() == []


# The default


def test_there_is_one_default(platform):
    former = platform.read(DESIGNS)["data"][0]
    design = a_design(platform)

    new = platform.made(f"{DESIGNS}/{design['id']}", preferences={"is_default": True})

    assert new["preferences"]["is_default"] is True
    assert platform.read(f"{DESIGNS}/{former['id']}")["preferences"]["is_default"] is False
    updated = [(event["data"]["object"]["id"], event["data"]["previous_attributes"]) for event in platform.events()]
    assert updated == [
        (new["id"], {"preferences": {"is_default": False}}),
        (former["id"], {"preferences": {"is_default": True}}),
    ]
    assert a_physical_card(platform)["personalization_design"] == new["id"]


def test_a_new_design_can_be_the_default_at_once(platform):
    former = platform.read(DESIGNS)["data"][0]

    design = a_design(platform, preferences={"is_default": True})

    assert [one["id"] for one in platform.read(DESIGNS, preferences={"is_default": True})["data"]] == [design["id"]]
    assert told(platform) == [
        ("issuing_personalization_design.updated", {"preferences": {"is_default": True}}),
    ]
    assert platform.events()[0]["data"]["object"]["id"] == former["id"]


@pytest.mark.parametrize("verb", ["deactivate", "reject"])
def test_without_a_default_a_physical_card_needs_a_design(platform, verb):
    default = platform.read(DESIGNS)["data"][0]
    retired = helped(platform, default, verb).json
    params = card_params(platform, type="physical", shipping=SHIPPING)

    without = platform.post(CARDS, **params)
    on_it = platform.post(CARDS, **params, personalization_design=default["id"])
    other = platform.post(CARDS, **params, personalization_design=a_design(platform)["id"])

    assert retired["preferences"]["is_default"] is False
    assert (without.status, without.error["param"]) == (400, "personalization_design")
    assert (on_it.status, on_it.error["param"]) == (400, "personalization_design")
    assert other.status == 200


def test_a_connected_account_falls_back_on_its_platforms_default(platform):
    client = a_connected_account(platform, "card_issuing", "transfers")
    theirs = platform.read(DESIGNS)["data"][0]
    own = client.read(DESIGNS)["data"][0]
    helped(client, own, "deactivate")

    fallen_back = a_physical_card(client)
    chosen = a_physical_card(client, personalization_design=theirs["id"])
    seen = client.read(f"{DESIGNS}/{theirs['id']}")

    assert own["preferences"] == {"is_default": True, "is_platform_default": False}
    assert fallen_back["personalization_design"] == chosen["personalization_design"] == theirs["id"]
    assert seen["preferences"] == {"is_default": False, "is_platform_default": True}
    assert client.get(f"{DESIGNS}/ipcd_nope").error["param"] == "personalization_design"
    assert client.post(f"{DESIGNS}/{theirs['id']}", name="Mine").status == 404


# Lookup keys


def test_a_lookup_key_is_unique_unless_it_is_transferred(platform):
    former = a_design(platform, lookup_key="blue")
    design = a_design(platform)

    refusal = platform.post(f"{DESIGNS}/{design['id']}", lookup_key="blue")
    at_create = platform.post(DESIGNS, physical_bundle=the_bundle(platform), lookup_key="blue")
    moved = platform.made(f"{DESIGNS}/{design['id']}", lookup_key="blue", transfer_lookup_key=True)

    for answer in (refusal, at_create):
        assert (answer.status, answer.error["code"]) == (400, "resource_already_exists")
        assert answer.error["param"] == "lookup_key"
    assert moved["lookup_key"] == "blue"
    assert platform.read(f"{DESIGNS}/{former['id']}")["lookup_key"] is None
    assert told(platform) == [
        ("issuing_personalization_design.updated", {"lookup_key": None}),
        ("issuing_personalization_design.updated", {"lookup_key": "blue"}),
    ]


def test_a_design_may_repeat_its_own_lookup_key(platform):
    design = a_design(platform, lookup_key="blue")

    assert platform.made(f"{DESIGNS}/{design['id']}", lookup_key="blue")["lookup_key"] == "blue"


def test_designs_are_listed_by_every_filter(platform):
    default = platform.read(DESIGNS)["data"][0]["id"]
    blue = a_design(platform, lookup_key="blue")["id"]
    red = a_design(platform, lookup_key="red", carrier_text=TEXT)["id"]

    def listed(**filters):
        return [design["id"] for design in platform.read(DESIGNS, **filters)["data"]]

    assert listed() == [red, blue, default]
    assert listed(lookup_keys=["blue"]) == [blue] and listed(lookup_keys=["red", "blue"]) == [red, blue]
    assert listed(preferences={"is_default": True}) == [default]
    assert listed(preferences={"is_default": False}) == [red, blue]
    assert listed(preferences={"is_platform_default": True}) == []
    assert listed(preferences={"is_platform_default": False}) == [red, blue, default]
    assert listed(status="review") == [red] and listed(status="rejected") == []


def test_platform_and_connected_account_each_read_a_design_their_own_way_in_one_step(platform):
    connected = a_connected_account(platform, "card_issuing")
    with in_a_step(platform) as world:
        (design,) = world.all(PersonalizationDesign, is_default=True)

        seen = [world.as_account(account).render(design) for account in (world.account, connected.account)]

    assert [one["preferences"]["is_platform_default"] for one in seen] == [None, True]
