"""What may be sent: parameter schemas on marshmallow, with Stripe's order of complaints and Stripe's texts.

A schema is a class of fields; loading gives only what was sent, `None` for a value that was unset with an empty text.
Unknown names are reported first and together, then the first complaint in the order of declaration.

Fields read what either wire writes: a value's type tells what came as JSON, where `5` is an integer and so is `"5"`.
What the type does not tell, `WRITTEN` does: how times look, and whether the text `true` is a boolean.
Source: https://docs.stripe.com/api/errors and error bodies seen on the wire.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from functools import cached_property
from typing import Any, ClassVar, Literal

import orjson
from marshmallow import RAISE, Schema, ValidationError, fields, missing
from marshmallow.exceptions import SCHEMA

from emulator.data.countries import COUNTRIES
from emulator.data.currencies import CURRENCIES
from emulator.kernel import rfc3339
from emulator.kernel.dates import seconds_of_span
from emulator.kernel.errors import ApiError, invalid, unknown_parameters

INTEGER = re.compile(r"-?[0-9]{1,19}\Z")  # as many digits as LARGEST_INTEGER has
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]{1,12})?\Z")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
LARGEST_INTEGER = 2**63 - 1
LONGEST_EMAIL = 512
LONGEST_ARRAY = 10_000
LONGEST_INDEX = 19  # digits
CURSORS = ("starting_after", "ending_before")
# How the values being read are written: as v1 does in forms and queries, or as v2 does in its queries or JSON bodies.
WRITTEN: ContextVar[Literal["v1", "v2 query", "v2 json"]] = ContextVar("written", default="v1")


class Complaint(str):
    """A message that may name its parameter (`{param}`), with the code that goes with it."""

    code: str | None

    def __new__(cls, text: str, code: str | None = None) -> Complaint:
        complaint = super().__new__(cls, text)
        complaint.code = code
        return complaint

    def about(self, param: str) -> ApiError:
        """The 400 that says this of one parameter."""
        return invalid(self.replace("{param}", param), param=param, code=self.code)


UNKNOWN = Complaint("Received unknown parameter: {param}", "parameter_unknown")
MISSING = Complaint("Missing required param: {param}.", "parameter_missing")
EMPTY = Complaint(
    "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; however "
    "'{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value.",
    "parameter_invalid_empty",
)
# What JSON says besides; the texts are ours.
NULL = Complaint("You passed null for '{param}', which cannot be unset. Leave '{param}' out or give it a value.")
EMPTY_TEXT = Complaint("You passed an empty string for '{param}'. Pass null to unset a field, or give it a value.")
INVALID_OBJECT = Complaint("Invalid object")
INVALID_ARRAY = Complaint("Invalid array")


def complain(text: str, code: str | None = None) -> ValidationError:
    """What a field raises. Braces in what the client sent are kept apart from `{param}` by the callers' texts."""
    return ValidationError([Complaint(text, code)])  # type: ignore[list-item]


class Params(Schema):
    """The parameters of one operation. Subclasses list fields in the order of Stripe's API reference."""

    class Meta:
        unknown = RAISE

    error_messages: ClassVar[dict[str, str]] = {"unknown": UNKNOWN, "type": INVALID_OBJECT}

    @cached_property
    def required_names(self) -> tuple[str, ...]:
        """The names that must be sent."""
        return tuple(name for name, field in self.fields.items() if field.required)

    @classmethod
    def shared(cls) -> Params:
        """The one instance of this schema: building one costs five times as much as using it."""
        if "_shared" not in cls.__dict__:
            cls._shared = cls()
        return cls._shared  # type: ignore[no-any-return]

    @classmethod
    def parse(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """Typed values of what was sent. ApiError 400 with the complaint that Stripe would name."""
        schema = cls.shared()
        try:
            return loaded(schema, tree)
        except (KeyError, ValidationError):
            pass  # what is wrong, and all of it, is told by the whole schema
        try:
            return schema.load(tree)
        except ValidationError as refusal:
            errors = refusal.normalized_messages()
        unknown = list(unknown_names(tree, errors))
        if unknown:
            raise unknown_parameters(unknown)
        param, complaint = first_complaint(schema, errors, "")
        raise complaint.about(param)


def loaded(schema: Schema, tree: dict[str, Any]) -> dict[str, Any]:
    """What `schema.load` gives for a tree without mistakes, in a third of its time: only what was sent is looked at.

    KeyError or ValidationError at the first mistake, whichever that is.
    """
    known = schema.fields
    for name in schema.required_names:  # type: ignore[attr-defined]
        if name not in tree:
            raise KeyError(name)
    return {name: known[name].deserialize(value, name, tree) for name, value in tree.items()}


def unknown_names(tree: Any, errors: Any, path: str = "") -> Iterator[str]:
    """The bracket paths of names no schema knows, in the order they were sent."""
    if not isinstance(errors, dict):
        return
    for name, value in members(tree):
        error = errors.get(name)
        where = f"{path}[{name}]" if path else str(name)
        if isinstance(error, list) and any(message is UNKNOWN for message in error):
            yield where
        else:
            yield from unknown_names(value, error, where)


def members(tree: Any) -> list[tuple[Any, Any]]:
    """The named or numbered children of a value, under the names marshmallow uses for them."""
    if isinstance(tree, list):
        return list(enumerate(tree))
    if isinstance(tree, dict):
        both = [(int(name), value) for name, value in tree.items() if is_index(name)]
        return list(tree.items()) + both
    return []


def is_index(name: str) -> bool:
    """Whether a bracket holds an array index: a few plain digits, not what other scripts count with."""
    return len(name) <= LONGEST_INDEX and name.isascii() and name.isdigit()


def first_complaint(schema: Schema | None, errors: Any, path: str) -> tuple[str, Complaint]:
    """The first complaint in the order of declaration, and the bracket path it is about."""
    if isinstance(errors, list):
        message = errors[0]
        return path, message if isinstance(message, Complaint) else Complaint(str(message))
    if SCHEMA in errors:
        return first_complaint(None, errors[SCHEMA], path)
    names = [name for name in schema.fields if name in errors] if schema else sorted(errors, key=str)
    name = names[0] if names else next(iter(errors))
    inner = nested_schema(schema.fields.get(name)) if schema else None
    where = f"{path}[{name}]" if path else str(name)
    error = errors[name]
    if isinstance(error, dict) and all(isinstance(key, int) for key in error):
        index = min(error)
        return first_complaint(inner, error[index], f"{where}[{index}]")
    return first_complaint(inner, error, where)


def nested_schema(field: fields.Field | None) -> Schema | None:
    """The schema inside a hash or a list of hashes."""
    if isinstance(field, List):
        return nested_schema(field.inner)
    return field.schema if isinstance(field, fields.Nested) else None


def emptied(value: str | None, unset: bool) -> None:
    """None, if this unsets a parameter that can be unset: an empty text does, and in JSON only `null`."""
    if value == "" and WRITTEN.get() == "v2 json":
        raise ValidationError([EMPTY_TEXT])  # type: ignore[list-item]
    if not unset:
        raise ValidationError([EMPTY if value == "" else NULL])  # type: ignore[list-item]


class Param(fields.Field):
    """What all fields share: `required`, and `unset` for those that an empty text sets to null."""

    def __init__(self, *inner: Any, required: bool = False, unset: bool = False) -> None:
        super().__init__(*inner, required=required, allow_none=True, error_messages={"required": [MISSING]})
        self.unset = unset

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """The typed value; None when it was unset."""
        if value == "" or value is None:
            return emptied(value, self.unset)
        if value is missing:
            return super().deserialize(value, attr, data, **kwargs)
        return self._deserialize(value, attr, data)  # no field has what marshmallow would look for besides


class String(Param):
    """Text of at most `max_length` characters, optionally of one form (`pattern`, with what is said when it is not)."""

    def __init__(
        self, *, max_length: int = 5000, pattern: str | None = None, says: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.pattern = re.compile(pattern) if pattern else None
        self.says = says

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise complain(f"Invalid string: {as_ruby(value)}")
        if len(value) > self.max_length:
            raise complain(f"Invalid string: {shortened(value)}; must be at most {self.max_length} characters")
        if self.pattern and not self.pattern.fullmatch(value):
            raise complain(self.says or f"Invalid string: {shortened(value)}")
        return value


class Integer(Param):
    """A decimal integer; `minimum` and `maximum` included."""

    def __init__(self, *, minimum: int | None = None, maximum: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        number = integer(value)
        if self.minimum is not None and number < self.minimum:
            raise complain(f"This value must be greater than or equal to {self.minimum}.", "parameter_invalid_integer")
        if self.maximum is not None and number > self.maximum:
            raise complain(f"This value must be less than or equal to {self.maximum} (it currently is '{number}').")
        return number


class Span(Integer):
    """So many seconds, or a span as people write it: `3d`, `1d12h`."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        seconds = seconds_of_span(value) if isinstance(value, str) else None
        return super()._deserialize(value if seconds is None else str(seconds), attr, data, **kwargs)


class Amount(Integer):
    """Minor units, at least one and at most eight digits unless said otherwise."""

    def __init__(self, *, minimum: int = 1, maximum: int = 99_999_999, **kwargs: Any) -> None:
        super().__init__(minimum=minimum, maximum=maximum, **kwargs)


class Timestamp(Integer):
    """A time, loaded as unix seconds; v1 sends those, v2 RFC 3339."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if WRITTEN.get() != "v1":
            seconds = rfc3339.seconds_of(value) if isinstance(value, str) else None
            if seconds is None:
                raise complain(f"Invalid timestamp: {shown(value)}; must be RFC 3339, like 2026-06-05T07:24:09Z")
            value = seconds
        return super()._deserialize(value, attr, data, **kwargs)


class Boolean(Param):
    """`true` or `false`, as words of some languages have them too: `True`, `TRUE`. Numbers are refused.

    A JSON body has booleans of its own, and words are refused there.

    Source: https://github.com/stripe/stripe-dotnet/pull/3104, and what stripe-python before 12.0.1 sends.
    """

    WORDS: ClassVar[dict[str, bool]] = {
        "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    }  # fmt: skip

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        meant = self.WORDS.get(value) if isinstance(value, str) else None
        if meant is None or WRITTEN.get() == "v2 json":
            raise complain(f"Invalid boolean: {shown(value)}")
        return meant


class Decimal(Param):
    """A decimal number of up to twelve fraction digits, kept as the text that was sent.

    `whole_digits` is how many may stand before the point; as many as there are where nothing is said.
    """

    def __init__(self, *, whole_digits: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.whole_digits = whole_digits

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not DECIMAL.match(value):
            raise complain(f"Invalid decimal: {shown(value)}")
        if self.whole_digits is not None and len(value.lstrip("-").partition(".")[0]) > self.whole_digits:
            raise complain(f"Invalid decimal: {shortened(value)}")
        return value


class Enum(Param):
    """One of a list of words, in Stripe's order."""

    def __init__(self, values: Sequence[str], *, accepts: Sequence[str] = (), **kwargs: Any) -> None:
        """`accepts` are older words that are taken too but not named in the message."""
        super().__init__(**kwargs)
        self.values = tuple(values)
        self.accepted = frozenset(values) | frozenset(accepts)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.accepted:
            raise complain("Invalid {param}: must be one of " + alternatives(self.values))
        return value


class Currency(String):
    """A three-letter currency, taken in any case and kept in lower case."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        currency = super()._deserialize(value, attr, data, **kwargs).lower()
        if currency not in CURRENCIES:
            raise complain(
                f"Invalid currency: {shortened(currency)}. Stripe currently supports these currencies: "
                + ", ".join(CURRENCIES)
            )
        return currency


CURRENCY = Currency()


class Country(String):
    """An ISO 3166-1 alpha-2 code."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        country = super()._deserialize(value, attr, data, **kwargs)
        if country not in COUNTRIES:
            raise complain(
                f"Country '{shortened(country)}' is unknown. Try using a 2-character alphanumeric country code "
                "instead, such as 'US', 'EG', or 'GB'.",
                "country_unsupported",
            )
        return country


class Email(String):
    """An e-mail address of at most 512 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_EMAIL, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs)
        if not EMAIL.match(address):
            raise complain(f"Invalid email address: {shortened(address, 100)}", "email_invalid")
        return address


class Hash(Param, fields.Nested):
    """A nested object. `unset` hashes become None on an empty text."""

    def __init__(self, inner: type[Params], *, required: bool = False, unset: bool = False) -> None:
        super().__init__(inner, required=required, unset=unset)
        self.inner_params = inner

    @property
    def schema(self) -> Schema:
        """The shared schema of the nested object."""
        return self.inner_params.shared()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError([INVALID_OBJECT])  # type: ignore[list-item]
        try:
            return loaded(self.schema, value)
        except (KeyError, ValidationError):
            return self.schema.load(value)  # which raises with all that is wrong


class List(Param):
    """An array of one kind of value. Indexes give the order; gaps close."""

    def __init__(self, inner: fields.Field, *, most: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner
        self.most = most

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        elements = in_order(value)
        if self.most is not None and len(elements) > self.most:
            raise complain(f"Array {attr} exceeded maximum {self.most} allowed elements.")
        found, errors = [], {}
        for index, element in elements:
            try:
                found.append(self.inner.deserialize(element, str(index), None))
            except ValidationError as refusal:
                errors[index] = refusal.messages
        if errors:
            raise ValidationError(errors)  # type: ignore[arg-type]
        return found


class ByCurrency(Param):
    """A hash whose names are currencies, each with one kind of value: `currency_options[eur][unit_amount]`.

    Names are taken in any case and kept in lower case.
    """

    def __init__(self, inner: fields.Field, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError([INVALID_OBJECT])  # type: ignore[list-item]
        found: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for name, element in value.items():
            try:
                found[CURRENCY.deserialize(name)] = self.inner.deserialize(element, name, None)
            except ValidationError as refusal:
                errors[name] = refusal.messages
        if errors:
            raise ValidationError(errors)  # type: ignore[arg-type]
        return found


class Range(Param):
    """A list filter on a time, or on another kind of integer: an exact one, or a hash of `gt`, `gte`, `lt`, `lte`.

    Loads as a hash of bounds; an exact value as `{"eq": n}`.
    """

    BOUNDS = ("gt", "gte", "lt", "lte")

    def __init__(self, of: Integer | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.of = of or Timestamp()

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, int]:
        if not isinstance(value, dict):
            return {"eq": self.of.deserialize(value)}
        errors: dict[str, Any] = {name: [UNKNOWN] for name in value if name not in self.BOUNDS}
        bounds = {}
        for name in self.BOUNDS:
            if name in value:
                try:
                    bounds[name] = self.of.deserialize(value[name])
                except ValidationError as refusal:
                    errors[name] = refusal.messages
        if errors:
            raise ValidationError(errors)  # type: ignore[arg-type]
        return bounds


class Metadata(fields.Field):
    """Key-value pairs; None for all of them cleared, a None value for a key that goes: an empty text, in JSON `null`.

    Source: https://docs.stripe.com/api/metadata
    """

    def __init__(self) -> None:
        super().__init__(allow_none=True)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, str | None] | None:
        if value == "":
            return emptied(value, True)
        if not isinstance(value, dict):
            raise ValidationError([INVALID_OBJECT])  # type: ignore[list-item]
        for key, text in value.items():
            if text == "" and WRITTEN.get() == "v2 json":
                raise ValidationError({key: [EMPTY_TEXT]})  # type: ignore[dict-item]
            if not isinstance(text, str | None):
                raise ValidationError({key: [Complaint(f"Invalid string: {as_ruby(text)}")]})  # type: ignore[dict-item]
            if len(key) > 40:
                raise complain(
                    "Metadata keys can have up to 40 characters, but you passed in a key that is "
                    f"{len(key)} characters. Invalid key: {key}"
                )
            if text is not None and len(text) > 500:
                raise complain(
                    "Metadata values can have up to 500 characters, but you passed in a value that is "
                    f"{len(text)} characters. Invalid value: {text}"
                )
        return {key: text or None for key, text in value.items()}


def merged_metadata(stored: dict[str, str], params: dict[str, Any]) -> dict[str, str]:
    """The metadata after a request: given keys set, emptied keys gone, an empty hash clears. 400 above 50."""
    if "metadata" not in params:
        return stored
    sent = params["metadata"]
    if sent is None:
        return {}
    both = {key: text for key, text in {**stored, **sent}.items() if text is not None}
    if len(both) > 50:
        raise invalid(f"Metadata can have up to 50 keys, but you've set {len(both)}.", param="metadata")
    return both


class ListParams(Params):
    """What every list takes. Subclasses add their filters."""

    limit = Integer()
    starting_after = String()
    ending_before = String()


class PageToken(String):
    """Which page of a list of v2: the name of a v1 cursor parameter, and the id of the object it names."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        token = super()._deserialize(value, attr, data, **kwargs)
        cursor = cursor_of(token)
        if cursor is None:
            raise complain(f"Invalid page: {shortened(token)}")
        return cursor


def page_token(cursor: str, id: str) -> str:
    """A cursor as one opaque word."""
    return "page_" + urlsafe_b64encode(f"{cursor} {id}".encode()).decode().rstrip("=")


def cursor_of(token: str) -> tuple[str, str] | None:
    """The cursor in such a word, None for any other word."""
    encoded = token.removeprefix("page_")
    try:
        text = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
    cursor, _, id = text.partition(" ")
    return (cursor, id) if cursor in CURSORS and page_token(cursor, id) == token else None


class PageParams(Params):
    """What every list of v2 takes. Subclasses add their filters."""

    limit = Integer()
    page = PageToken()


class NoParams(Params):
    """An operation without parameters of its own."""


def integer(value: Any) -> int:
    """A decimal integer that fits into 64 bits: digits, or a JSON number without a fraction."""
    if type(value) is int and abs(value) <= LARGEST_INTEGER:
        return value
    if not isinstance(value, str) or not INTEGER.match(value) or abs(int(value)) > LARGEST_INTEGER:
        raise complain(f"Invalid integer: {shown(value)}", "parameter_invalid_integer")
    return int(value)


def in_order(value: Any) -> list[tuple[int, Any]]:
    """The elements of `a[]=…` or `a[0]=…`, in index order, with the index that errors name."""
    if isinstance(value, list):
        return list(enumerate(value))
    if WRITTEN.get() == "v2 json":
        raise ValidationError([INVALID_ARRAY])  # type: ignore[list-item]
    if isinstance(value, dict) and value and all(is_index(key) and int(key) <= LONGEST_ARRAY for key in value):
        return [(int(key), value[key]) for key in sorted(value, key=int)]
    raise ValidationError([INVALID_ARRAY])  # type: ignore[list-item]


def alternatives(values: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b, or c`; from 21 values on the first ten, dots, and the last."""
    if len(values) == 1:
        return values[0]
    if len(values) == 2:
        return f"{values[0]} or {values[1]}"
    listed = [*values[:10], "..."] if len(values) > 20 else list(values[:-1])
    return f"{', '.join(listed)}, or {values[-1]}"


def shortened(text: str, most: int = 8) -> str:
    """The first and last four characters of a longer text."""
    return text if len(text) <= most else f"{text[:4]}...{text[-4:]}"


def shown(value: Any) -> str:
    """What was sent, as messages quote it."""
    return value if isinstance(value, str) else as_ruby(value)


def as_ruby(value: Any) -> str:
    """A nested value the way Stripe prints one: `{"a"=>"b"}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}"=>{as_ruby(item)}' for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_ruby(item) for item in value) + "]"
    if value is None or isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    return f'"{value}"'
