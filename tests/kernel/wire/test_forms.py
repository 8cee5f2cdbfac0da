"""Bracketed forms become nested values."""

import pytest

from emulator.kernel.errors import ApiError
from emulator.kernel.wire import forms


@pytest.mark.parametrize(
    "text, tree",
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&a=2", {"a": "2"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=b+c%20d", {"a": "b c d"}),
        ("a%5Bb%5D=1", {"a": {"b": "1"}}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=1&a[1]=2", {"a": {"0": "1", "1": "2"}}),
        ("a[1][x]=1&b=2&a[0][x]=3", {"a": {"1": {"x": "1"}, "0": {"x": "3"}}, "b": "2"}),
        ("a[][b]=1&a[][c]=2&a[][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a[][b][c]=1&a[][b][d]=2&a[][b][c]=3", {"a": [{"b": {"c": "1", "d": "2"}}, {"b": {"c": "3"}}]}),
        ("a[][b][]=1&a[][b][]=2&a[][c]=3&a[][c]=4", {"a": [{"b": ["1", "2"], "c": "3"}, {"c": "4"}]}),
        ("a[][b][][c]=1&a[][b][][d]=2", {"a": [{"b": [{"c": "1", "d": "2"}]}]}),
        ("a[][b][c]=1&a[][b]=2", {"a": [{"b": {"c": "1"}}, {"b": "2"}]}),
        ("[a]=1", {"[a]": "1"}),
        ("a[b=1", {"a[b": "1"}),
        ("a=%C3%A9", {"a": "é"}),
    ],
)
def test_a_form_becomes_this_tree(text, tree):
    assert forms.nested(forms.pairs(text.encode())) == tree


@pytest.mark.parametrize(
    "text, message, param",
    [
        ("a=1&a[b]=2", "Invalid object", "a"),
        ("a[b]=2&a=1", "Invalid object", "a"),
        ("a[]=1&a[0]=2", "Invalid array", "a"),
        ("a[0]=1&a[]=2", "Invalid array", "a"),
        ("a[b]=1&a[b][c]=2", "Invalid object", "a[b]"),
        ("a[][b]=1&a[][b][]=2", "Invalid array", "a[0][b]"),
        ("a" + "[b]" * 33 + "=1", "Invalid object", "a"),
        ("a" + "[]" * 5000 + "=1", "Invalid object", "a"),
    ],
)
def test_two_readings_of_one_name_are_refused(text, message, param):
    with pytest.raises(ApiError) as refusal:
        forms.nested(forms.pairs(text.encode()))

    assert (refusal.value.message, refusal.value.param) == (message, param)


@pytest.mark.parametrize("text", [b"a=%ZZ", b"a=%4", b"a=%FF", b"\xff=1"])
def test_malformed_escapes_and_bytes_are_the_wrong_encoding(text):
    with pytest.raises(ApiError) as refusal:
        forms.pairs(text)

    assert "application/x-www-form-urlencoded" in refusal.value.message
