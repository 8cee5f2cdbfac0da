"""Bracketed form keys become nested values: `a[b][0]=1` → `{"a": {"b": {"0": "1"}}}`, `a[]=1` → `{"a": ["1"]}`.

Indexed arrays stay hashes with digit keys here; the schema knows which hashes are meant as arrays.
Source: https://docs.stripe.com/api (request encoding), and what the official SDKs and the Stripe CLI send.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from emulator.kernel.errors import ApiError, invalid

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)\Z")
PART = re.compile(r"\[([^\[\]]*)\]")
MOST_PARAMETERS = 1_000
DEEPEST = 32  # brackets in one name, as with Rack; no published parameter has ten
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def wrong_encoding() -> ApiError:
    """400 for a body that is not a form."""
    return ApiError(
        400,
        "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
        "questions, we can help at https://support.stripe.com/.",
    )


def broken_body(why: str) -> ApiError:
    """400 for a body that did not arrive whole, or that nobody can take apart. The text is ours."""
    return ApiError(400, f"The body of this request could not be read: {why}.")


def too_many() -> ApiError:
    """400 for more parameters than anybody means to send. The number and the text are ours."""
    return ApiError(400, f"A request has at most {MOST_PARAMETERS:,} parameters.")


def check_count(*encoded: bytes) -> None:
    """400 for too many parameters in some urlencoded texts, before any of them is looked at."""
    if sum(text.count(b"&") + 1 for text in encoded if text) > MOST_PARAMETERS:
        raise too_many()


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
                found.append((decoded_name(name), decoded(value)))
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


@lru_cache(maxsize=4096)
def decoded_name(text: bytes) -> str:
    """The same for names, which requests have in common."""
    return decoded(text)


@lru_cache(maxsize=4096)
def steps(name: str) -> tuple[str, ...]:
    """A name and its brackets, from the outside in: `a[b][0]` is `a`, `b`, `0`. 400 for thousands of brackets."""
    match = KEY.match(name) if "[" in name else None
    if match is None:
        return (name,)
    parts = PART.findall(match[2])
    if len(parts) > DEEPEST:
        raise invalid("Invalid object", param=match[1])
    return (match[1], *parts)


def nested(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One tree from flat pairs; the last of repeated scalars wins. 400 where two readings contradict."""
    tree: dict[str, Any] = {}
    for name, value in items:
        first, *parts = steps(name)
        if parts:
            place(tree, first, parts, value)
        else:
            if isinstance(tree.get(name), (dict, list)):
                raise invalid("Invalid object" if isinstance(tree[name], dict) else "Invalid array", param=name)
            tree[name] = value
    return tree


def place(tree: dict[str, Any], root: str, parts: list[str], value: Any, path: str | None = None) -> None:
    """Put one value where its bracket path says. `path` is that of the root, if it stands inside something."""
    box: dict[str, Any] = tree
    key, path = root, path or root
    for position, part in enumerate(parts):
        if part == "":
            elements = box.setdefault(key, [])
            if not isinstance(elements, list):
                raise invalid("Invalid array", param=below(path, parts[:position]))
            if position == len(parts) - 1:
                elements.append(value)
                return
            # `a[][b]=1&a[][c]=2`: a new element begins when a key repeats, as with Rack.
            rest = parts[position + 1 :]
            if not elements or not isinstance(elements[-1], dict) or repeats(elements[-1], rest):
                elements.append({})
            element = below(path, [*parts[:position], str(len(elements) - 1), rest[0]])
            place(elements[-1], rest[0], rest[1:], value, element)
            return
        child = box.get(key)
        if child is None:
            child = box[key] = {}
        elif not isinstance(child, dict):
            is_array = isinstance(child, list) or part.isdigit()
            raise invalid("Invalid array" if is_array else "Invalid object", param=below(path, parts[:position]))
        box, key = child, part
    if isinstance(box.get(key), (dict, list)):
        raise invalid("Invalid object", param=below(path, parts))
    box[key] = value


def below(path: str, parts: Iterable[str]) -> str:
    """The bracket path of something inside `path`."""
    return path + "".join(f"[{part}]" for part in parts)


def repeats(element: dict[str, Any], parts: list[str]) -> bool:
    """Whether an element has a value there already; a list always has room: `a[][b][]=1&a[][b][]=2` is one element."""
    if "" in parts:
        return False
    box: Any = element
    for part in parts:
        if not isinstance(box, dict) or part not in box:
            return False
        box = box[part]
    return True
