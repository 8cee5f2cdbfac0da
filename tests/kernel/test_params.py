"""What may be sent: every kind of parameter with its complaints, word for word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.kernel import params as p
from emulator.kernel.errors import ApiError


class Inner(p.Params):
    line = p.String(required=True, max_length=10)
    note = p.String(unset=True)


class Everything(p.Params):
    name = p.String(max_length=12)
    text = p.String()
    gone = p.String(unset=True)
    count = p.Integer(minimum=1, maximum=100)
    amount = p.Amount()
    when = p.Timestamp()
    flag = p.Boolean()
    price = p.Decimal()
    size = p.Enum(("s", "m", "l"))
    pair = p.Enum(("a", "b"))
    many = p.Enum(tuple(f"w{number}" for number in range(30)))
    currency = p.Currency()
    country = p.Country()
    email = p.Email()
    inner = p.Hash(Inner)
    soft = p.Hash(Inner, unset=True)
    items = p.List(p.String(), most=2)
    prices = p.ByCurrency(p.Amount(), unset=True)
    boxes = p.List(p.Hash(Inner))
    created = p.Range()
    metadata = p.Metadata()


EMPTY = (
    "You passed an empty string for '{0}'. We assume empty values are an attempt to unset a parameter; however '{0}' "
    "cannot be unset. You should remove '{0}' from your request or supply a non-empty value."
)


@pytest.mark.parametrize(
    "sent, loaded",
    [
        ({}, {}),
        ({"name": "12345"}, {"name": "12345"}),
        ({"text": "a" * 5000}, {"text": "a" * 5000}),
        ({"email": "a" * 500 + "@example.com"}, {"email": "a" * 500 + "@example.com"}),
        ({"gone": ""}, {"gone": None}),
        ({"count": "7"}, {"count": 7}),
        *[({"flag": word}, {"flag": True}) for word in ("true", "True", "TRUE")],
        *[({"flag": word}, {"flag": False}) for word in ("false", "False", "FALSE")],
        ({"price": "5.0"}, {"price": "5.0"}),
        ({"size": "m"}, {"size": "m"}),
        ({"currency": "USD"}, {"currency": "usd"}),
        ({"inner": {"line": "x", "note": ""}}, {"inner": {"line": "x", "note": None}}),
        ({"soft": ""}, {"soft": None}),
        ({"items": {"3": "c", "1": "a"}}, {"items": ["a", "c"]}),
        ({"items": ["a"]}, {"items": ["a"]}),
        ({"prices": {"EUR": "5", "usd": "6"}}, {"prices": {"eur": 5, "usd": 6}}),
        ({"prices": ""}, {"prices": None}),
        ({"boxes": {"0": {"line": "x"}}}, {"boxes": [{"line": "x"}]}),
        ({"created": "5"}, {"created": {"eq": 5}}),
        ({"created": {"gte": "5", "lt": "9"}}, {"created": {"gte": 5, "lt": 9}}),
        ({"metadata": ""}, {"metadata": None}),
        ({"metadata": {"a": "1", "b": ""}}, {"metadata": {"a": "1", "b": None}}),
    ],
)
def test_what_is_sent_well_loads_as_this(sent, loaded):
    assert Everything.parse(sent) == loaded


@pytest.mark.parametrize(
    "sent, param, code, message",
    [
        ({"name": ""}, "name", "parameter_invalid_empty", EMPTY.format("name")),
        ({"name": {"a": "b"}}, "name", None, 'Invalid string: {"a"=>"b"}'),
        ({"name": "abcdefghijklmnop"}, "name", None, "Invalid string: abcd...mnop; must be at most 12 characters"),
        ({"count": "1.0"}, "count", "parameter_invalid_integer", "Invalid integer: 1.0"),
        ({"count": " 1 "}, "count", "parameter_invalid_integer", "Invalid integer:  1 "),
        (
            {"count": "99999999999999999999"},
            "count",
            "parameter_invalid_integer",
            "Invalid integer: 99999999999999999999",
        ),
        ({"count": "9" * 5000}, "count", "parameter_invalid_integer", "Invalid integer: " + "9" * 5000),
        ({"count": "0"}, "count", "parameter_invalid_integer", "This value must be greater than or equal to 1."),
        ({"count": "101"}, "count", None, "This value must be less than or equal to 100 (it currently is '101')."),
        ({"amount": "-1"}, "amount", "parameter_invalid_integer", "This value must be greater than or equal to 1."),
        ({"when": "soon"}, "when", "parameter_invalid_integer", "Invalid integer: soon"),
        *[
            ({"flag": word}, "flag", None, f"Invalid boolean: {word}")
            for word in ("1", "0", "yes", "no", "on", "off", "t", "tRUE", "true ", "null")
        ],
        ({"flag": ["true"]}, "flag", None, 'Invalid boolean: ["true"]'),
        ({"price": "x"}, "price", None, "Invalid decimal: x"),
        ({"size": "xl"}, "size", None, "Invalid size: must be one of s, m, or l"),
        ({"pair": "c"}, "pair", None, "Invalid pair: must be one of a or b"),
        (
            {"many": "c"},
            "many",
            None,
            "Invalid many: must be one of w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, ..., or w29",
        ),
        ({"email": "nobody"}, "email", "email_invalid", "Invalid email address: nobody"),
        (
            {"email": "a" * 505 + "@example.com"},
            "email",
            None,
            "Invalid string: aaaa....com; must be at most 512 characters",
        ),
        ({"text": "a" * 5001}, "text", None, "Invalid string: aaaa...aaaa; must be at most 5000 characters"),
        ({"inner": "x"}, "inner", None, "Invalid object"),
        ({"inner": ""}, "inner", "parameter_invalid_empty", EMPTY.format("inner")),
        ({"inner": {"note": "x"}}, "inner[line]", "parameter_missing", "Missing required param: inner[line]."),
        ({"inner": {"line": ""}}, "inner[line]", "parameter_invalid_empty", EMPTY.format("inner[line]")),
        ({"items": "x"}, "items", None, "Invalid array"),
        ({"items": {"x": "y"}}, "items", None, "Invalid array"),
        ({"items": {"10001": "y"}}, "items", None, "Invalid array"),
        ({"items": {"9" * 5000: "y"}}, "items", None, "Invalid array"),
        ({"items": ["a", "b", "c"]}, "items", None, "Array items exceeded maximum 2 allowed elements."),
        ({"items": ["a", ""]}, "items[1]", "parameter_invalid_empty", EMPTY.format("items[1]")),
        ({"prices": "x"}, "prices", None, "Invalid object"),
        (
            {"prices": {"eur": "0"}},
            "prices[eur]",
            "parameter_invalid_integer",
            "This value must be greater than or equal to 1.",
        ),
        ({"prices": {"eur": ""}}, "prices[eur]", "parameter_invalid_empty", EMPTY.format("prices[eur]")),
        (
            {"boxes": {"2": {"note": "x"}}},
            "boxes[2][line]",
            "parameter_missing",
            "Missing required param: boxes[2][line].",
        ),
        ({"created": {"gt": ""}}, "created[gt]", "parameter_invalid_empty", EMPTY.format("created[gt]")),
        ({"created": {"gt": "x"}}, "created[gt]", "parameter_invalid_integer", "Invalid integer: x"),
        ({"created": {"foo": "1"}}, "created[foo]", "parameter_unknown", "Received unknown parameter: created[foo]"),
        ({"metadata": "x"}, "metadata", None, "Invalid object"),
        ({"metadata": {"a": {"b": "c"}}}, "metadata[a]", None, 'Invalid string: {"b"=>"c"}'),
    ],
)
def test_what_is_sent_badly_is_refused_in_these_words(sent, param, code, message):
    with pytest.raises(ApiError) as refusal:
        Everything.parse(sent)

    error = refusal.value
    assert (error.status, error.param, error.code, error.message) == (400, param, code, message)


def test_unknown_names_are_all_named_first_in_the_order_they_were_sent():
    with pytest.raises(ApiError) as refusal:
        Everything.parse({"inner": {"zebra": "1"}, "count": "x", "apple": "2", "boxes": {"0": {"pear": "3"}}})

    assert refusal.value.message == "Received unknown parameters: inner[zebra], apple, boxes[0][pear]"


def test_the_first_complaint_is_the_first_declared_not_the_first_sent():
    with pytest.raises(ApiError) as refusal:
        Everything.parse({"size": "xl", "flag": "x", "count": "x"})

    assert refusal.value.param == "count"


def test_an_unknown_currency_lists_those_that_are_known():
    with pytest.raises(ApiError) as refusal:
        Everything.parse({"currency": "xyz"})

    assert refusal.value.message.startswith(
        "Invalid currency: xyz. Stripe currently supports these currencies: usd, aed,"
    )


def test_an_unknown_country_says_what_a_country_looks_like():
    with pytest.raises(ApiError) as refusal:
        Everything.parse({"country": "USA"})

    assert refusal.value.message.startswith("Country 'USA' is unknown.")


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("k" * 41, "v", "Metadata keys can have up to 40 characters, but you passed in a key that is 41 characters."),
        ("k", "v" * 501, "Metadata values can have up to 500 characters, but you passed in a value that is 501"),
    ],
)
def test_metadata_has_limits_on_keys_and_values(key, value, message):
    with pytest.raises(ApiError) as refusal:
        Everything.parse({"metadata": {key: value}})

    assert refusal.value.message.startswith(message)


@pytest.mark.parametrize(
    "sent",
    [
        {"metadata": {"k" * 40: "v" * 500}},
        {"items": {"10000": "a"}},
        {"price": "9" * 20 + ".123456789012"},
        {"created": str(2**63 - 1)},
    ],
)
def test_the_largest_that_is_taken_is_taken(sent):
    assert Everything.parse(sent)


@pytest.mark.parametrize(
    "sent, param",
    [
        ({"items": {"10001": "a"}}, "items"),
        ({"price": "1.1234567890123"}, "price"),
        ({"created": str(2**63)}, "created"),
    ],
)
def test_one_beyond_is_refused(sent, param):
    with pytest.raises(ApiError) as refusal:
        Everything.parse(sent)

    assert refusal.value.param == param


@pytest.mark.parametrize("digits, is_taken", [("1234567", True), ("-1234567", True), ("12345678", False)])
def test_a_decimal_has_so_many_whole_digits(digits, is_taken):
    class Quantity(p.Params):
        quantity = p.Decimal(whole_digits=7)

    if is_taken:
        assert Quantity.parse({"quantity": digits}) == {"quantity": digits}
    else:
        with pytest.raises(ApiError, match="Invalid decimal"):
            Quantity.parse({"quantity": digits})


@pytest.mark.parametrize(
    "count, told",
    [
        (1, "must be one of w0"),
        (2, "must be one of w0 or w1"),
        (20, f"must be one of {', '.join(f'w{n}' for n in range(19))}, or w19"),
        (21, f"must be one of {', '.join(f'w{n}' for n in range(10))}, ..., or w20"),
    ],
)
def test_more_than_twenty_words_are_told_by_ten_of_them(count, told):
    class Chosen(p.Params):
        word = p.Enum(tuple(f"w{number}" for number in range(count)))

    with pytest.raises(ApiError) as refusal:
        Chosen.parse({"word": "none"})

    assert refusal.value.message == f"Invalid word: {told}"


@pytest.mark.parametrize("text, told", [("x" * 8, "xxxxxxxx"), ("x" * 9, "xxxx...xxxx")])
def test_a_text_of_more_than_eight_characters_is_told_by_its_ends(text, told):
    class Coded(p.Params):
        code = p.String(max_length=7)

    with pytest.raises(ApiError) as refusal:
        Coded.parse({"code": text})

    assert refusal.value.message == f"Invalid string: {told}; must be at most 7 characters"


def test_metadata_merges_key_by_key_and_an_empty_hash_clears_it():
    stored = {"a": "1", "b": "2"}

    assert p.merged_metadata(stored, {}) == stored
    assert p.merged_metadata(stored, {"metadata": {"b": None, "c": "3"}}) == {"a": "1", "c": "3"}
    assert p.merged_metadata(stored, {"metadata": None}) == {}


def test_metadata_holds_fifty_keys_counted_after_the_merge():
    full = {f"k{number}": "v" for number in range(50)}

    assert len(p.merged_metadata(full, {"metadata": {"k1": None, "new": "v"}})) == 50
    with pytest.raises(ApiError, match="Metadata can have up to 50 keys, but you've set 51."):
        p.merged_metadata(full, {"metadata": {"new": "v"}})


TREES = st.recursive(
    st.text(max_size=12),
    lambda inner: st.dictionaries(st.text(max_size=6), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(Everything.shared().fields)) | st.text(max_size=4), TREES, max_size=4))
def test_whatever_is_sent_it_loads_or_is_refused_with_a_sentence(tree):
    try:
        Everything.parse(tree)
    except ApiError as refusal:
        assert refusal.status == 400
        assert refusal.message
