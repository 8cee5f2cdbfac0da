"""Saying no: one error class, one shape, and the few ways to raise it.

Source: https://docs.stripe.com/api/errors
"""

from __future__ import annotations

from typing import Any

# Codes seen on the wire that have no page among Stripe's documented error codes, hence no `doc_url`.
CODES_WITHOUT_A_PAGE = frozenset({"property_expansion_max_depth"})


class ApiError(Exception):
    """A client's mistake, in the shape the client expects. `param` is a bracket path such as `billing[address]`.

    `more` are other members of the error, such as the whole object that was refused. What an operation did before it
    was refused is undone, unless `keeps_changes` says that the failure itself is on record (a declined card). A keyed
    request that is refused is answered so again, unless `is_remembered` says that trying again is the cure.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
        keeps_changes: bool = False,
        is_remembered: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.more = more or {}
        self.keeps_changes = keeps_changes
        self.is_remembered = is_remembered

    def body(self, request_log_url: str | None = None) -> dict[str, Any]:
        """The JSON reply: absent members are left out, never null."""
        members = {
            "code": self.code,
            "doc_url": doc_url(self.code),
            "message": self.message,
            "param": self.param,
            "request_log_url": request_log_url if self.status not in (401, 500) else None,
            "type": self.type,
            **self.more,
        }
        return {"error": {name: members[name] for name in sorted(members) if members[name] is not None}}


def doc_url(code: str | None) -> str | None:
    """Where Stripe documents a code, or None."""
    if code is None or code in CODES_WITHOUT_A_PAGE:
        return None
    return "https://stripe.com/docs/error-codes/" + code.replace("_", "-")


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request cannot be carried out as it stands."""
    return ApiError(400, message, param=param, code=code)


def missing(param: str) -> ApiError:
    """400 `parameter_missing`."""
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def unknown_parameters(names: list[str]) -> ApiError:
    """400 `parameter_unknown`, all of them named in one message; `param` is the first."""
    plural = "s" if len(names) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(names)}"
    return invalid(message, param=names[0], code="parameter_unknown")


def exclusive(*params: str, blame: str | None = None) -> ApiError:
    """400 `parameters_exclusive`: two parameters that cannot stand together."""
    message = f"You may only specify one of these parameters: {', '.join(params)}."
    return invalid(message, param=blame or params[-1], code="parameters_exclusive")


AGAIN = {"Retry-After": "1"}  # seconds


def no_such(noun: str, id: str, *, param: str, status: int = 404) -> ApiError:
    """`resource_missing`: 404 for an id in the path, 400 for one in a parameter."""
    shown = id if len(id) <= 998 else id[:998] + "…(truncated)…"
    message = f"No such {noun}: '{shown}'"
    if id != id.strip() or any(mark in id for mark in " '\""):
        message += ". Make sure you use the exact id without extra whitespace or quotes"
    return ApiError(status, message, code="resource_missing", param=param)


def rate_limited(message: str, *, code: str = "rate_limit", headers: dict[str, str] | None = None) -> ApiError:
    """429: the same request may well succeed later, under the same idempotency key."""
    return ApiError(429, message, code=code, headers=headers, is_remembered=False)


def key_in_use(key: str) -> ApiError:
    """409: the first request with a key is still running."""
    return ApiError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you "
        f"submitted twice, and the other request is still going through): {key}. Please try again later.",
        code="idempotency_key_in_use",
        is_remembered=False,
    )


def unknown_failure() -> ApiError:
    """500: what a client is told of an error on our side, and of the fault that stands for one."""
    return ApiError(500, "An unknown error occurred", type="api_error")


def unreadable(why: str) -> ApiError:
    """500: what is stored of a world cannot be read, in a sentence; and what can be done about it."""
    return ApiError(
        500,
        f"{why} Reset this world (`stripe-emulator reset`, or POST /_emulator/reset) or delete it (`stripe-emulator "
        "worlds delete`, or DELETE /_emulator/world); all others go on.",
        type="api_error",
        headers={"Stripe-Should-Retry": "false"},
    )


def unusable(why: str) -> ApiError:
    """503: where the worlds are kept cannot be used at this moment, in a sentence."""
    says = f"{why} The request was not carried out; send it again when that is over."
    return ApiError(503, says, type="api_error", headers=AGAIN)


def unsure(why: str) -> ApiError:
    """503: nobody can say whether a request was carried out, for a reason that is a sentence."""
    says = (
        f"{why} Whether the request was carried out is not known: send it again with the same idempotency key, or look."
    )
    return ApiError(503, says, type="api_error", headers=AGAIN)


def unauthorized(message: str, *, code: str | None = None) -> ApiError:
    """401: no key, or one that opens nothing here."""
    return ApiError(401, message, code=code, headers={"WWW-Authenticate": 'Basic realm="Stripe"'})


def account_invalid(masked_key: str, account: str) -> ApiError:
    """403: the key does not reach that account, or there is none."""
    return ApiError(
        403,
        f"The provided key '{masked_key}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
    )


def unrecognized_url(method: str, path: str) -> ApiError:
    """404 for a path that Stripe does not publish."""
    return ApiError(
        404,
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. "
        "Please see https://stripe.com/docs or we can help at https://support.stripe.com/.",
    )


def not_built(method: str, path: str) -> ApiError:
    """501 for an operation that Stripe publishes and this emulator does not serve."""
    return unbuilt(f"This emulator does not implement {method} {path}.")


def unbuilt(message: str, *, param: str | None = None) -> ApiError:
    """501 for whatever Stripe has and this emulator does not: trying again helps nobody."""
    headers = {"Stripe-Should-Retry": "false", "Emulator-Not-Implemented": "true"}
    return ApiError(501, message, param=param, headers=headers)
