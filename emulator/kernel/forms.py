"""Bracketed form keys become nested values: `a[b][0]=1` → `{"a": {"b": {"0": "1"}}}`, `a[]=1` → `{"a": ["1"]}`.

Indexed arrays stay hashes with digit keys here; the schema knows which hashes are meant as arrays.
Source: https://docs.stripe.com/api (request encoding), and what the official SDKs and the Stripe CLI send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

from emulator.kernel.errors import ApiError, invalid

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)\Z")
PART = re.compile(r"\[([^\[\]]*)\]")
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def wrong_encoding() -> ApiError:
    """400 for a body that is not a form."""
    return ApiError(
        400,
        "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
        "questions, we can help at https://support.stripe.com/.",
    )


def pairs(encoded: bytes) -> list[tuple[str, str]]:
    """The names and values of an urlencoded text. 400 for a malformed escape or bytes that are not UTF-8."""
    if not encoded:
        return []
    if b"%" in encoded and BAD_ESCAPE.search(encoded):
        raise wrong_encoding()
    found = []
    try:
        for item in encoded.split(b"&"):
            if item:
                name, _, value = item.partition(b"=")
                found.append((decoded(name), decoded(value)))
    except UnicodeDecodeError:
        raise wrong_encoding() from None
    return found


def decoded(text: bytes) -> str:
    """One urlencoded piece as text."""
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" in text:
        text = unquote_to_bytes(text)
    return text.decode("utf-8")


def nested(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One tree from flat pairs; the last of repeated scalars wins. 400 where two readings contradict."""
    tree: dict[str, Any] = {}
    for name, value in items:
        match = KEY.match(name) if "[" in name else None
        if match is None:
            if isinstance(tree.get(name), (dict, list)):
                raise invalid("Invalid object" if isinstance(tree[name], dict) else "Invalid array", param=name)
            tree[name] = value
        else:
            place(tree, match[1], PART.findall(match[2]), value)
    return tree


def place(tree: dict[str, Any], root: str, parts: list[str], value: Any) -> None:
    """Put one value where its bracket path says."""
    box: dict[str, Any] = tree
    key, path = root, root
    for position, part in enumerate(parts):
        if part == "":
            elements = box.setdefault(key, [])
            if not isinstance(elements, list):
                raise invalid("Invalid array", param=path)
            if position == len(parts) - 1:
                elements.append(value)
                return
            # `a[][b]=1&a[][c]=2`: a new element begins when a key repeats.
            following = parts[position + 1]
            if not elements or not isinstance(elements[-1], dict) or following in elements[-1]:
                elements.append({})
            place_rest(elements[-1], parts[position + 1 :], value, path + "[]")
            return
        child = box.setdefault(key, {})
        if not isinstance(child, dict):
            raise invalid(
                "Invalid array" if isinstance(child, list) or part.isdigit() else "Invalid object", param=path
            )
        box, key, path = child, part, f"{path}[{part}]"
    if isinstance(box.get(key), (dict, list)):
        raise invalid("Invalid object", param=path)
    box[key] = value


def place_rest(element: dict[str, Any], parts: list[str], value: Any, path: str) -> None:
    """The part of a bracket path behind `[]`."""
    if len(parts) == 1:
        element[parts[0]] = value
    else:
        place(element, parts[0], parts[1:], value)
