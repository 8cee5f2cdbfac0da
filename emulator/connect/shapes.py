"""Parameters that accounts and persons share, and others too: addresses, dates, accepted terms, documents, URLs."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from emulator.kernel.params import Country, Hash, Integer, List, Param, Params, String, Timestamp, complain, shown


def group_of(**members: Any) -> type[Params]:
    """The schema of a hash with these members."""
    return type("Group", (Params,), members)


def group(**members: Any) -> Hash:
    """A hash parameter with these members."""
    return Hash(group_of(**members))


class Url(String):
    """An http or https address."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        url = super()._deserialize(value, attr, data, **kwargs)
        if not is_url(url):
            raise complain("Not a valid URL", "url_invalid")
        return url


def is_url(url: str) -> bool:
    """Whether a browser can be sent there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    is_written_so = url.isascii() and url.isprintable() and " " not in url
    return is_written_so and parts.scheme in ("http", "https") and bool(host) and port != 0


class Percent(Param):
    """A share between 0 and 100, with a fraction if need be."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        try:
            share = float(value)
        except (TypeError, ValueError):
            raise complain(f"Invalid number: {shown(value)}") from None
        if not 0 <= share <= 100:
            raise complain("This value must be between 0 and 100.")
        return share


class Digits(String):
    """A number that is published as a text, such as a card's month of expiry."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pattern=r"[0-9]{1,4}", says="Invalid integer", **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return int(super()._deserialize(value, attr, data, **kwargs))


class AddressParams(Params):
    """Where somebody lives, or a company sits."""

    city = String(max_length=100)
    country = Country()
    line1 = String(max_length=200)
    line2 = String(max_length=200)
    postal_code = String()
    state = String()


class JapaneseAddressParams(AddressParams):
    """An address in kana or kanji."""

    town = String()


class TermsParams(Params):
    """When and from where terms were accepted."""

    date = Timestamp()
    ip = String()
    user_agent = String(unset=True)


class DeclarationParams(Params):
    """When and from where something was declared."""

    date = Timestamp()
    ip = String()
    user_agent = String()


class DateParams(Params):
    """A calendar date, whole."""

    day = Integer(required=True, minimum=1, maximum=31)
    month = Integer(required=True, minimum=1, maximum=12)
    year = Integer(required=True, minimum=1000, maximum=9999)


class CalendarDate(Hash):
    """A date that there is, or an empty text for none."""

    def __init__(self) -> None:
        super().__init__(DateParams, unset=True)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> dict[str, int]:
        sent = super()._deserialize(value, attr, data, **kwargs)
        try:
            date(sent["year"], sent["month"], sent["day"])
        except ValueError:
            raise complain("Invalid date: there is no such day.") from None
        return sent


class IdentityDocumentParams(Params):
    """Both sides of a document, as ids of files or as test values."""

    back = String()
    front = String()


def documents(**more: Any) -> Hash:
    """A kind of document, as the ids of its files."""
    return group(files=List(String()), **more)


TEST_PHONE_NUMBER = "0000000000"


def phone_number(sent: str | None) -> str | None:
    """A phone number as it is shown: as it was sent, but the test number, which is one of +1 wherever the account is.

    Source: https://docs.stripe.com/connect/testing and recorded replies.
    """
    is_test = sent is not None and re.sub(r"[^0-9]", "", sent) == TEST_PHONE_NUMBER
    return f"+1{TEST_PHONE_NUMBER}" if is_test else sent


NO_ADDRESS: dict[str, Any] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
NO_DOCUMENT: dict[str, Any] = dict.fromkeys(("back", "details", "details_code", "front"))
NO_TERMS: dict[str, Any] = dict.fromkeys(("date", "ip", "user_agent"))


def merged(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The members of both, hash by hash, what was sent on top; a new dict. What was unset is gone."""
    both = dict(stored)
    for name, value in sent.items():
        if value is None:
            both.pop(name, None)
        elif isinstance(value, dict):
            inside = stored.get(name)
            both[name] = merged(inside if isinstance(inside, dict) else {}, value)
        else:
            both[name] = value
    return both
