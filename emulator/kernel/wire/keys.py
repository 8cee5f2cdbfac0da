"""API keys, and which tenant they open; versions; the acting account.

Any test key opens the tenant named by what follows its mode, so two test suites with two keys cannot meet.
Source: https://docs.stripe.com/keys, https://docs.stripe.com/api/versioning, https://docs.stripe.com/context
"""

from __future__ import annotations

import base64
import binascii
import re

from emulator.kernel.carried import carried
from emulator.kernel.errors import ApiError, invalid, unauthorized
from emulator.kernel.requests import Key, masked
from emulator.kernel.versions import is_version

LIVE_KEY = re.compile(r"[a-z]+_live_")
TEST_KEY = re.compile(r"(sk|rk|pk)_test_(.+)\Z", re.DOTALL)


def presented(authorization: str) -> str:
    """The key in an `Authorization` header, Bearer or Basic; empty when there is none."""
    scheme, _, value = authorization.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def key_of(authorization: str) -> Key:
    """The key of a request. 401 for none, a live one, or one of no known form.

    An ephemeral key and an access token of OAuth say themselves which world and which account they are of; whether
    there is such a key is not known yet.
    """
    text = presented(authorization)
    if not text:
        raise unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/."
        )
    said = carried(text)
    if said is not None:
        return Key(said.kind, said.handle, text, said.account)
    match = TEST_KEY.match(text)
    if match is None:
        raise invalid_key(masked(text))
    return Key(match[1], match[2], text)


def refuse_live(authorization: str) -> None:
    """401 for a live key, whatever is asked for."""
    text = presented(authorization)
    if LIVE_KEY.match(text):
        raise invalid_key(masked(text))


def invalid_key(masked_key: str) -> ApiError:
    """401 for a key that opens nothing."""
    return unauthorized(f"Invalid API Key provided: {masked_key}")


def publishable_key_refused() -> ApiError:
    """401 for a publishable key where a secret one is needed."""
    return unauthorized(
        "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of "
        "your API keys at https://dashboard.stripe.com/account/apikeys.",
        code="secret_key_required",
    )


def check_version(version: str) -> None:
    """400 for a `Stripe-Version` that Stripe never had; later and preview versions pass."""
    if not is_version(version):
        raise invalid(f"Invalid Stripe API version: {version}")


def check_header(name: str, value: str | None) -> None:
    """400 for a header that cannot be sent back as it came: a line break in it would begin another."""
    if value is not None and not value.isprintable():
        raise invalid(f"Invalid {name} header: it has characters that no header has.")


def named_account(account: str | None, context: str | None) -> str | None:
    """The account that `Stripe-Account` or `Stripe-Context` names, or None. 400 when they name different ones.

    A context without any `acct_…` names itself: nobody can act for it, and to act for the platform instead would be
    the wrong account's answer.
    """
    if context:
        segments = [part for part in context.split("/") if part.startswith("acct_")]
        last = segments[-1] if segments else context
        if account and account != last:
            raise invalid("The Stripe-Context and Stripe-Account headers name different accounts.")
        return account or last
    return account or None
