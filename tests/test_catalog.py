"""The table of contents as a whole: what is served, documented, and accepted."""

from __future__ import annotations

import ast
import inspect
import re
import typing
from pathlib import Path

import pytest

import emulator
from emulator.catalog import CATALOG
from emulator.connect.params_v2 import CAPABILITIES_ONLY_IN_V1, ELSEWHERE
from emulator.connect.records.accounts_v2 import PAID_OUT
from emulator.data.routes import ROUTES as PUBLISHED
from emulator.kernel.catalog import Catalog
from emulator.kernel.lists import Page
from emulator.kernel.params import Timestamp
from emulator.kernel.records import record
from emulator.kernel.routes import GET, Route, retrieves
from emulator.kernel.settings import KERNEL_SETTINGS, switch
from tests.contract import EXTRA_PARAMS, flat, published_params
from tests.contract.operations import operations, unnamed
from tests.kernel.notes import Note, Notes
from tests.schemas import flattened, form
from tools.layers import PRODUCTS

PACKAGE = Path(emulator.__file__).parent
API = [route for route in CATALOG.routes if route.path.startswith(("/v1/", "/v2/"))]
NAMED_NOWHERE = {  # served although the package does not publish them
    ("POST", "/v1/issuing/cards/{card}/test/authorizations"),
    ("POST", "/v1/test_helpers/issuing/fund_balance"),
    ("POST", "/v1/issuing/funding_instructions"),
    ("GET", "/v1/issuing/funding_instructions"),
    ("GET", "/v1/accounts/{account}/bank_accounts"),
    ("POST", "/v1/accounts/{account}/bank_accounts"),
    ("GET", "/v1/accounts/{account}/bank_accounts/{id}"),
    ("POST", "/v1/accounts/{account}/bank_accounts/{id}"),
    ("DELETE", "/v1/accounts/{account}/bank_accounts/{id}"),
    ("GET", "/v1/balance/history"),
    ("GET", "/v1/balance/history/{id}"),
    ("GET", "/v1/files/{file}/contents"),
    ("POST", "/v1/events/{id}/retry"),
    ("POST", "/v1/stripecli/sessions"),
    ("POST", "/v1/ephemeral_key_nonces"),
}
SHOWN_ON_REQUEST = ("expand", "expand[]", "include", "include[]")
# Where the pages of a list are, as `next_page_url` names them; and what is refused by name for belonging to v1 alone.
OF_V2 = {
    "page",
    *(f"configuration[{name}]" for name in ELSEWHERE),
    *(f"configuration[{name}][capabilities][{only}]" for name in PAID_OUT for only in CAPABILITIES_ONLY_IN_V1),
}
REFUSED_WHOLE = {"defaults[payout_methods][]"}  # a hash whose members matter to nobody here
OF_ANOTHER_FORM = {
    "[delay_days]": "an integer, or the word `minimum`; one enum of ours reads both",
    "[score]": "a number, read as a decimal",
}
PUBLISHED_SHAPES = {(verb, unnamed(path)) for verb, path in PUBLISHED}
IN_PACKAGE = [route for route in API if (route.verb, unnamed(route.path)) in PUBLISHED_SHAPES]


def name(route: Route) -> str:
    return f"{route.verb} {route.path}"


def test_what_is_known_of_accounts_looks_at_no_operation_and_others_look_at_nothing_else():
    operations = {module.__name__ for module in CATALOG.modules if module.__name__.startswith("emulator.connect.")}
    of_products = [file for product in PRODUCTS if product != "connect" for file in (PACKAGE / product).glob("*.py")]

    for file in (*(PACKAGE / "connect" / "records").glob("*.py"), *of_products):
        imported = [
            f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        assert not [one for one in imported if operations & {one, one.rpartition(".")[0]}], file


@pytest.mark.parametrize("route", CATALOG.routes, ids=name)
def test_an_operation_that_gives_back_a_page_is_a_list_of_some_record(route):
    gives_back = typing.get_type_hints(inspect.unwrap(route.operation)).get("return")

    assert route.is_list == (gives_back is Page)
    assert not route.is_list or route.returns is not None


@pytest.mark.parametrize("route", CATALOG.routes, ids=name)
def test_every_operation_says_what_it_does(route):
    assert route.operation.__doc__ and route.operation.__doc__.strip()


@pytest.mark.parametrize("route", API, ids=name)
def test_every_operation_is_published_or_known_from_elsewhere(route):
    assert (route.verb, unnamed(route.path)) in PUBLISHED_SHAPES or (route.verb, route.path) in NAMED_NOWHERE


@pytest.mark.parametrize("route", IN_PACKAGE, ids=name)
def test_accepted_parameters_are_the_published_ones(route):
    published = {path: param for path, param in flat(published_params(route.verb, route.path)).items()}
    published = {path: param for path, param in published.items() if path not in SHOWN_ON_REQUEST}
    ours = {param.path: param for param in flattened(route.params)}
    extras = [extra for extra in EXTRA_PARAMS if (extra.verb, unnamed(extra.path)) == (route.verb, unnamed(route.path))]
    extra_names = {extra.param for extra in extras if not extra.choice}
    if route.path.startswith("/v2/"):
        extra_names |= OF_V2

    assert set(ours) - set(published) <= extra_names
    assert set(published) - set(ours) - REFUSED_WHOLE == set()


@pytest.mark.parametrize("route", IN_PACKAGE, ids=name)
def test_accepted_choices_are_the_published_ones(route):
    published = flat(published_params(route.verb, route.path))
    extras = {
        (extra.param, extra.choice)
        for extra in EXTRA_PARAMS
        if (extra.verb, unnamed(extra.path)) == (route.verb, unnamed(route.path)) and extra.choice
    }
    differing = {}
    for param in flattened(route.params):
        listed = published.get(param.path)
        if listed is None or not listed.choices:
            continue
        ours = param.choices - {choice for path, choice in extras if path == param.path}
        if ours != set(listed.choices):
            differing[param.path] = sorted(ours ^ set(listed.choices))

    assert differing == {}


@pytest.mark.parametrize("route", IN_PACKAGE, ids=name)
def test_what_the_package_requires_is_required(route):
    published = flat(published_params(route.verb, route.path))
    required = {param.path for param in flattened(route.params) if param.required}

    lists_items = {path for path in published if path.endswith("[]")}
    assert {path for path, param in published.items() if param.required} - lists_items == required & set(published)


@pytest.mark.parametrize("route", IN_PACKAGE, ids=name)
def test_parameters_have_the_form_that_is_published(route):
    published = flat(published_params(route.verb, route.path))
    differing = {}
    for param in flattened(route.params):
        listed, ours = published.get(param.path), form(param.field)
        if route.path.startswith("/v2/") and isinstance(param.field, Timestamp):
            ours = {"string"}  # RFC 3339
        if listed is not None and ours and ours != listed.kinds:
            differing[param.path] = ours, set(listed.kinds)

    allowed = {path: kinds for path, kinds in differing.items() if path.endswith(tuple(OF_ANOTHER_FORM))}
    assert differing == allowed


def test_every_setting_says_what_it_does_and_takes_its_own_default():
    for setting in CATALOG.settings.values():
        assert setting.says.endswith("."), setting.name
        text = str(setting.default).lower() if isinstance(setting.default, bool) else str(setting.default)
        if setting.default not in ("", None) and not isinstance(setting.default, (dict, list)):
            assert setting.kind.deserialize(text) == setting.default, setting.name
    assert KERNEL_SETTINGS[0].name in CATALOG.settings


def test_every_due_action_is_named_after_its_product_and_module():
    for module in CATALOG.modules:
        for action in {**getattr(module, "DUE", {}), **getattr(module, "PROGRESS", {})}:
            assert f"emulator.{action.rpartition('.')[0]}" == module.__name__


def test_operations_are_named_after_their_product():
    for route in CATALOG.routes:
        assert route.name.split(".")[0] in PRODUCTS, route.name
    assert {"issuing.transactions.retrieve", "treasury.transactions.retrieve"} <= {
        route.name for route in CATALOG.routes
    }


def other(name: str, prefix: str) -> type:
    """Another kind of note."""
    return record(name, prefix=prefix, noun="note")(type("Other", (Note,), {}))


@pytest.mark.parametrize(
    "offer, says",
    [
        ({"RECORDS": (other("note", "another"),)}, "two records are called note"),
        ({"RECORDS": (other("other", "nt"),)}, "two prefixes are called nt"),
        ({"RECORDS": (other("a.kind", "a"), other("a_kind", "b"))}, "two tables are called a_kind"),
        ({"DUE": {"notes.remind": print}}, "two due actions are called notes.remind"),
        ({"ANSWERS": {"note.question": print}}, "two answers are called note.question"),
        ({"SETTINGS": (switch("loud", True, "Whether others shout."),)}, "two settings are called loud"),
        (
            {"SETTINGS": (switch("api_version", True, "A setting of the kernel's."),)},
            "two settings are called api_version",
        ),
        ({"TELLS": ("account.opened",)}, "two things told of are called account.opened"),
        ({"ROUTES": [GET("/v1/notes/{id}", retrieves(Note))]}, "two paths are called GET /v1/notes/{id}"),
    ],
)
def test_two_of_one_name_are_refused(offer, says):
    class Guest(Notes):
        ANSWERS = {"note.question": print}

    with pytest.raises(AssertionError, match=re.escape(says)):
        Catalog((Guest, type("Second", (), offer)))


def test_a_prefix_can_only_be_shared_with_a_record_that_has_it():
    sharing = record("other", prefix="ot", shared_prefixes=("zz",), noun="note")(type("Other", (Note,), {}))

    with pytest.raises(AssertionError, match="other shares the prefix zz, which no record has"):
        Catalog((Notes, type("Second", (), {"RECORDS": (sharing,)})))


def test_what_follows_from_something_is_done_in_the_order_of_the_catalog():
    def following(name):
        return type(name, (), {"WHEN": {"account.rejected": name}})

    teller = type("Teller", (), {"TELLS": ("account.rejected",)})

    catalog = Catalog((following("first"), teller, following("second")))

    assert catalog.cascades == {"account.opened": [], "account.rejected": ["first", "second"]}


def test_what_follows_from_something_that_nobody_tells_of_is_refused():
    with pytest.raises(AssertionError, match=r"nobody tells of account\.rejcted"):
        Catalog((type("Guest", (), {"WHEN": {"account.rejcted": print}}),))


def test_whatever_is_told_of_has_something_that_follows():
    assert [name for name, following in CATALOG.cascades.items() if not following] == []


@pytest.mark.parametrize(
    "area, number",
    [
        ("/v1/issuing/", 30),
        ("/v1/test_helpers/issuing/", 18),
        ("/v1/treasury/", 33),
        ("/v1/test_helpers/treasury/", 13),
    ],
)
def test_every_operation_of_issuing_and_treasury_that_the_package_has_is_built(area, number):
    published = {(verb, path) for verb, path in operations() if path.startswith(area)}

    assert len(published) == number
    assert published - {(route.verb, unnamed(route.path)) for route in API} == set()


def test_published_routes_that_are_not_built_are_still_in_the_table():
    for verb, path in PUBLISHED:
        assert CATALOG.table.find(verb, path.replace("{", "x").replace("}", "")) is not None


@pytest.mark.parametrize("path", [path for verb, path in PUBLISHED if path.endswith("/search")])
def test_every_search_is_not_built_and_says_so(platform, path):
    answer = platform.get(path, query="metadata['a']:'b'")

    assert (answer.status, answer.error["message"]) == (501, f"This emulator does not implement GET {path}.")
