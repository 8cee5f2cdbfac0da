"""Is a reply what the official package says it is? Every field, at every depth.

Checkers are built once per class out of its annotations and kept; a checker answers None for a value that is as
published, else the complaints with the path that leads to each.
"""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache

from . import annotations
from .annotations import ClassName, Type
from .exceptions import ALLOWED

Check = Callable[[object], list[str] | None]

JSON = {str: "a string", int: "an integer", bool: "a boolean", float: "a number", dict: "a hash", list: "a list"}
PLAIN: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "number": frozenset({int, float}),
}
NOTHING = frozenset({type(None)})
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
ERROR_TYPES = {"api_error", "card_error", "idempotency_error", "invalid_request_error"}
ERROR_MEMBERS = {
    "advice_code",
    "charge",
    "code",
    "decline_code",
    "doc_url",
    "message",
    "network_advice_code",
    "network_decline_code",
    "param",
    "payment_intent",
    "payment_method",
    "payment_method_type",
    "request_log_url",
    "setup_intent",
    "source",
    "type",
}
UNDOCUMENTED_CODES = {"property_expansion_max_depth"}
MORE_CODES = {  # seen on the wire, though not in the package's list
    "insufficient_capabilities_for_transfer",
    "more_permissions_required",
    "payment_method_types_no_longer_supported",
    "property_expansion_max_depth",
}
STUB = {"id", "object", "deleted"}
BESIDE_STUB = {"bank_account": {"currency"}, "card": {"currency"}}
SUBJECTS = {  # what events are about whose types do not begin with the name of their object
    "account.application": {"application"},
    "account.external_account": {"bank_account", "card"},
    "application_fee.refund": {"fee_refund"},
    "charge.dispute": {"dispute"},
    "charge.refund": {"refund"},
    "customer.source": {"bank_account", "card", "source"},
}
WHOLE_WHEN_DELETED = {"discount"}  # answered in full, with `deleted` added


def complaints(reply: dict, object_class: type | str | None = None) -> list[str]:
    """Everything in which a reply differs from the published contract; an empty list when nothing does.

    The class is found by the reply's own `object`, unless `object_class` (a class of the package, or the value of
    `object`) says which one it must be. Errors, list objects, search results and deleted stubs are known by shape.
    """
    if not isinstance(reply, dict):
        return [f"reply: {shown(reply)} where an object was expected"]
    if "error" in reply:
        return [f"error{said}" for said in error_complaints(reply)]
    expected = object_class if isinstance(object_class, str | None) else object_class.OBJECT_NAME
    name = reply.get("object")
    if expected is not None and name not in (expected, "list", "search_result"):
        return [f"reply.object: {name!r} where {expected!r} was expected"]
    if name in ("list", "search_result"):
        elements = any_object() if expected in (None, name) else resource(expected)
        return [f"{name}{said}" for said in page(elements)(reply) or ()]
    return [f"{name or 'reply'}{said}" for said in any_object()(reply) or ()]


def disorder(value: object, where: str = "") -> list[str]:
    """Hashes whose members are not `id`, `object`, then in alphabetical order; metadata keeps its own order."""
    if isinstance(value, list):
        return [said for at, item in enumerate(value) for said in disorder(item, f"{where}[{at}]")]
    if not isinstance(value, dict):
        return []
    found = [said for key, item in value.items() if key != "metadata" for said in disorder(item, f"{where}.{key}")]
    if list(value) != sorted(value, key=lambda key: (key != "id", key != "object", key)):
        found.append(f"{where}: members out of order: {', '.join(value)}")
    return found


def error_complaints(reply: dict) -> list[str]:
    """Complaints about an error body. Source: https://docs.stripe.com/api/errors"""
    error = reply["error"]
    if not isinstance(error, dict):
        return [f": {shown(error)} where a hash was expected"]
    found = [f": {key!r} beside the error" for key in reply if key != "error"]
    found += [f".{key}: unknown field" for key in error if key not in ERROR_MEMBERS]
    found += [f".{key}: null, where Stripe leaves the key out" for key, value in error.items() if value is None]
    found += [f".{key}: missing" for key in ("message", "type") if key not in error]
    if "type" in error and error["type"] not in ERROR_TYPES:
        found.append(f".type: {error['type']!r} is none of {', '.join(sorted(ERROR_TYPES))}")
    texts = sorted(set(error) & ERROR_MEMBERS - {"payment_intent", "payment_method", "setup_intent", "source"})
    if error.get("type") == "card_error" and error.get("param") == "":
        texts.remove("param")  # declined cards are about no parameter, and say so, in recorded replies
    found += [f".{key}: {shown(error[key])} where a text was expected" for key in texts if not text(error[key])]
    if list(error) != sorted(error):
        found.append(f": members out of alphabetical order: {', '.join(error)}")
    if text(error.get("code")) and error["code"] not in published_codes() | MORE_CODES:
        found.append(f".code: {error['code']!r} is no error code of the package")
    found += documentation_complaints(error)
    if text(error.get("param")) and "." in error["param"]:
        found.append(f".param: {error['param']!r} is not in bracket notation")
    for key in ("payment_intent", "payment_method", "setup_intent"):
        if isinstance(error.get(key), dict):
            found += [f".{key}{said}" for said in resource(key)(error[key]) or ()]
    return found


@cache
def published_codes() -> frozenset[object]:
    """Every error code the package lists, as it does for the errors of setup intents."""
    owner = ClassName("stripe._setup_intent", ("SetupIntent", "LastSetupError"))
    return frozenset(annotations.fields(owner)["code"].values)


def documentation_complaints(error: dict) -> list[str]:
    """`doc_url` stands beside every documented `code`, and nowhere else."""
    code, url = error.get("code"), error.get("doc_url")
    if code is None or code in UNDOCUMENTED_CODES:
        return [".doc_url: present without a documented code"] if url else []
    expected = f"https://stripe.com/docs/error-codes/{str(code).replace('_', '-')}"
    return [] if url == expected else [f".doc_url: {url!r} where {expected!r} was expected"]


def text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def shown(value: object) -> str:
    """A value in a complaint: its JSON type, and the value itself where it is short."""
    if value is None:
        return "null"
    return f"{JSON.get(type(value), type(value).__name__)} {value!r:.60}"


@cache
def permitted(what: str, where: str) -> str | None:
    """The reason why an exception of this kind is allowed at this place, or None."""
    return next((row.why for row in ALLOWED if row.what == what and fnmatchcase(where, row.where)), None)


@cache
def any_object(ids_only: bool = False) -> Check:
    """A check for a resource of whatever kind its `object` names."""

    def check(value: object) -> list[str] | None:
        name = value.get("object") if isinstance(value, dict) else None
        if not isinstance(name, str):
            return [f".object: missing in {shown(value)}"]
        if name not in annotations.object_classes():
            return None if permitted("extra", f"{name}:") else [f".object: {name!r} is no object of the package"]
        return resource(name, ids_only)(value)

    return check


@cache
def resource(name: str, ids_only: bool = False) -> Check:
    """A check for the resource called `name`. With `ids_only` references must not be expanded, as in events."""
    if name == "event":
        return event()
    owner = annotations.object_classes()[name]
    whole = hash_of(owner, f"{name}:", ids_only)

    def check(value: object) -> list[str] | None:
        if not isinstance(value, dict):
            return [f": {shown(value)} where {name} was expected"]
        if value.get("object") != name:
            return [f".object: {value.get('object')!r} where {name!r} was expected"]
        if "deleted" not in value or name in WHOLE_WHEN_DELETED:
            return whole(value)
        found = [] if value["deleted"] is True else [f".deleted: {shown(value['deleted'])} where true was expected"]
        extra = value.keys() - STUB - BESIDE_STUB.get(name, set())
        found += [f".{key}: in a deleted stub" for key in sorted(extra)]
        found += [f".{key}: missing" for key in sorted(STUB - value.keys())]
        return found or None

    return check


@cache
def event() -> Check:
    """A check for an event: the envelope, and `data.object` as its own class says, with nothing in it expanded."""
    envelope = hash_of(annotations.object_classes()["event"], "event:", ids_only=True)
    payload = any_object(ids_only=True)

    def check(value: object) -> list[str] | None:
        found = list(envelope(value) or ())
        data = value.get("data") if isinstance(value, dict) else None
        if not isinstance(data, dict) or not isinstance(data.get("object"), dict):
            return found or [".data.object: missing"]
        found += [f".data.object{said}" for said in payload(data["object"]) or ()]
        name = data["object"].get("object")
        found += mistold(value.get("type"), name)
        owner = annotations.object_classes().get(name)
        if owner and isinstance(data.get("previous_attributes"), dict):
            said = earlier(owner, data["previous_attributes"], f"{name}:")
            found += [f".data.previous_attributes{one}" for one in said]
        return found or None

    return check


@cache
def mistold(type: object, name: object) -> list[str]:
    """A complaint when an event is about an object of another kind than its type begins with."""
    subject = str(type).rpartition(".")[0]
    expected = SUBJECTS.get(subject) or {name for name in annotations.object_classes() if subject in (name, bare(name))}
    return [] if name in expected else [f".data.object.object: {name!r} in an event of type {type!r}"]


def bare(name: str) -> str:
    """The name of an object as the types of Issuing events begin: `issuing_card`."""
    return name.replace(".", "_")


def earlier(owner: ClassName, told: dict, where: str) -> list[str]:
    """Complaints about what members were before: hashes in part, arrays whole, null for what was not there."""
    declared = annotations.fields(owner)
    found = [f".{key}: unknown field" for key in told if key not in declared and not permitted("extra", where + key)]
    for key, value in told.items():
        kind = declared.get(key)
        if kind is None or value is None:
            continue
        if kind.kind == "class" and isinstance(value, dict):
            within = annotations.object_name(kind.name)
            below = inside(where, key) if within is None else f"{within}:"
            found += [f".{key}{said}" for said in earlier(kind.name, value, below)]
            continue
        if kind.kind == "page" and isinstance(value, dict):
            value = {"object": "list", "data": [], "has_more": False, "url": "/v1/", **value}
        if kind.kind == "map" and isinstance(value, dict):
            value = {name: item for name, item in value.items() if item is not None}
        fast, deep = field(kind, inside(where, key), ids_only=True)
        if type(value) not in fast:
            found += [f".{key}{said}" for said in deep(value) or ()]
    return found


def page(element: Check, where: str = "") -> Check:
    """A check for a list object or a page of search results; one inside a resource is at the place `where`."""

    def check(value: object) -> list[str] | None:
        if not isinstance(value, dict) or value.get("object") not in ("list", "search_result"):
            return [f": {shown(value)} where a list object was expected"]
        members = {"object": str, "data": list, "has_more": bool, "url": str}
        extra = {"next_page", "total_count"} if value["object"] == "search_result" else set()
        extra |= {key for key in value if where and permitted("extra", inside(where, key))}
        found = [f".{key}: unknown field" for key in value if key not in members and key not in extra]
        found += [f".{key}: missing" for key in members if key not in value]
        found += [
            f".{key}: {shown(value[key])} where {JSON[kind]} was expected"
            for key, kind in members.items()
            if key in value and type(value[key]) is not kind
        ]
        if text(value.get("url")) and not value["url"].startswith("/v1/"):
            found.append(f".url: {value['url']!r} is no path of v1")
        if isinstance(value.get("data"), list):
            found += [f".data[{at}]{said}" for at, item in enumerate(value["data"]) for said in element(item) or ()]
        return found or None

    return check


def hash_of(owner: ClassName, where: str, ids_only: bool) -> Check:
    """A check for a hash with the annotated fields of a class; `where` is the place exceptions are looked up by."""
    declared = annotations.fields(owner)
    checks = {name: field(kind, inside(where, name), ids_only) for name, kind in declared.items()}
    choosers = {
        name: variants(declared, kind) - {name} for name, kind in declared.items() if name in ("type", "reason")
    }
    absent = {name for name in declared if permitted("absent", inside(where, name))} | {"deleted"}
    required = frozenset(declared).difference(absent, *choosers.values())

    def check(value: object) -> list[str] | None:
        if type(value) is not dict:
            return [f": {shown(value)} where a hash was expected"]
        found: list[str] = []
        for key, item in value.items():
            known = checks.get(key)
            if known is None:
                if not permitted("extra", inside(where, key)):
                    found.append(f".{key}: unknown field")
            elif type(item) not in known[0]:
                for said in known[1](item) or ():
                    found.append(f".{key}{said}")
        found += [f".{key}: missing" for key in sorted(required.difference(value))]
        for chooser, among in choosers.items():
            chosen = value.get(chooser)
            if chosen in among and chosen not in value and chosen not in absent:
                found.append(f".{chosen}: missing, though {chooser} names it")
        return found or None

    return check


def variants(declared: dict[str, Type], chooser: Type) -> frozenset[str]:
    """The hashes of which a `type` or `reason` names the one that is there."""
    if chooser.kind == "enum":
        return frozenset(name for name in chooser.values if name in declared)
    hashes = ("class", "any") if chooser.kind == "string" else ()
    return frozenset(name for name, kind in declared.items() if kind.nullable and kind.kind in hashes)


def inside(where: str, name: str) -> str:
    return where + name if where.endswith(":") else f"{where}.{name}"


def field(kind: Type, where: str, ids_only: bool) -> tuple[frozenset[type], Check]:
    """The Python types that need no further look, and the check for everything else."""
    deep = anything_else(kind, where, ids_only)
    fast = PLAIN.get(kind.kind, frozenset())
    if (kind.nullable and not where.endswith(":metadata")) or permitted("null", where):
        fast |= NOTHING
    return fast, deep


def anything_else(kind: Type, where: str, ids_only: bool) -> Check:
    """A check of one value against one type, null aside."""
    if kind.kind == "any":
        return lambda value: None
    if kind.kind in PLAIN:
        expected = "a number" if kind.kind == "number" else JSON[next(iter(PLAIN[kind.kind]))]
        return lambda value: [f": {shown(value)} where {expected} was expected"]
    if kind.kind == "decimal":
        return lambda value: (
            None
            if type(value) is str and DECIMAL.fullmatch(value)
            else [f": {shown(value)} where a decimal in a string was expected"]
        )
    if kind.kind == "enum":
        return choice(kind, where)
    if kind.kind in ("list", "map"):
        return many(kind, where, ids_only)
    if kind.kind == "page":
        return page(anything_else(kind.of[0], where, ids_only), where)
    if kind.kind == "expandable":
        return reference(kind, where, ids_only)
    if kind.kind == "either":
        return one_of(kind.of, where, ids_only)
    name = annotations.object_name(kind.name)
    if name is None:
        return hash_of(kind.name, where, ids_only)
    return lambda value: resource(name, ids_only)(value)  # looked up late: resources contain each other


def choice(kind: Type, where: str) -> Check:
    values = frozenset(kind.values)
    listed = ", ".join(map(str, kind.values[:12])) + (", …" if len(kind.values) > 12 else "")
    for row in ALLOWED:
        if row.what == "value" and fnmatchcase(where, row.where):
            values |= frozenset(row.choices)

    def check(value: object) -> list[str] | None:
        if type(value) in (str, bool) and value in values:
            return None
        return [f": {shown(value)} is none of {listed}"]

    return check


def many(kind: Type, where: str, ids_only: bool) -> Check:
    """A check for every element of a list, or every value of a map such as metadata."""
    fast, deep = field(kind.of[0], where, ids_only)
    shape = list if kind.kind == "list" else dict

    def check(value: object) -> list[str] | None:
        if type(value) is not shape:
            return [f": {shown(value)} where {JSON[shape]} was expected"]
        pairs = enumerate(value) if shape is list else value.items()
        return [f"[{at}]{said}" for at, item in pairs if type(item) not in fast for said in deep(item) or ()] or None

    return check


def reference(kind: Type, where: str, ids_only: bool) -> Check:
    """A check for an expandable reference: an id, or one of the objects it may stand for."""
    expanded = one_of(kind.of, where, ids_only)

    def check(value: object) -> list[str] | None:
        if type(value) is str and value:
            return None
        if type(value) is not dict:
            return [f": {shown(value)} where an id or an object was expected"]
        return [": expanded inside an event"] if ids_only else expanded(value)

    return check


def one_of(options: tuple[Type, ...], where: str, ids_only: bool) -> Check:
    """A check for a union of resources, told apart by `object`."""
    if len(options) == 1:
        return anything_else(options[0], where, ids_only)
    by_name = {annotations.object_name(option.name): option for option in options}

    def check(value: object) -> list[str] | None:
        name = value.get("object") if isinstance(value, dict) else None
        if name not in by_name:
            return [f".object: {name!r} is none of {', '.join(sorted(map(str, by_name)))}"]
        return resource(name, ids_only)(value)

    return check
