"""Three ways of writing the same pipeline's requests and replies: v1, v2 for what lies below `/v2/`, and OAuth's own.

                     v1                                    v2
    tree             query and form, bracketed names       the query of GET and DELETE, the JSON body of POST
    params           `expand`, unix seconds, text          `include`, RFC 3339, JSON's own booleans
    body             `has_more`, `deleted`, expanded ids   `next_page_url`, `previous_page_url`, what was included
    refusal          type, code, param, doc_url, …         code and message
    remembers        what was decided, refusals too        what succeeded

OAuth is written as v1 is, but for its refusals (`error` and `error_description`), and that the key may be a parameter.

Times of a reply are the record's own affair: one that v2 shows renders them with `rfc3339.text_of`.
Source: https://docs.stripe.com/api-v2-overview, https://docs.stripe.com/api/errors,
https://docs.stripe.com/connect/oauth-reference
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson

from emulator.kernel import render
from emulator.kernel.errors import ApiError, invalid, unauthorized
from emulator.kernel.lists import Page, listed
from emulator.kernel.params import (
    WRITTEN,
    List,
    Params,
    String,
    alternatives,
    cursor_of,
    page_token,
    shortened,
)
from emulator.kernel.render import Deleted
from emulator.kernel.routes import OF_OAUTH, Route
from emulator.kernel.wire import forms
from emulator.kernel.wire.incoming import Incoming
from emulator.kernel.world import World

JSON = "application/json"
# What v2 calls a refusal for which v1 has no code. `not_found` is Stripe's, the others are ours.
CODES_OF_V2 = {
    401: "authentication_required",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    429: "rate_limit",
    500: "internal_error",
    501: "not_implemented",
}


@dataclass(frozen=True)
class Wire:
    """How requests are read and replies are written.

    `tree(sent)` is what was sent, not typed yet; `params(route, tree)` its typed values and what is to be shown besides
    (both 400 for what cannot be read); `body(world, result, shown, sent)` a record, page, deletion or plain hash as
    JSON; `refusal(error, request log URL)` an error as JSON; `remembers(error)` whether an idempotency key, which
    requests of the verbs `keyed` may carry, is answered so again; `authorization(sent)` the header that has the key.
    """

    keyed: frozenset[str]
    tree: Callable[[Incoming], dict[str, Any]]
    params: Callable[[Route, dict[str, Any]], tuple[dict[str, Any], list[str]]]
    body: Callable[[World, Any, list[str], Incoming], Any]
    refusal: Callable[[ApiError, str | None], dict[str, Any]]
    remembers: Callable[[ApiError], bool]
    authorization: Callable[[Incoming], str] = lambda sent: sent.headers.get("authorization", "")

    def told(self, refusal: ApiError) -> dict[str, Any]:
        """An error as the request log has it."""
        body = self.refusal(refusal, None)
        return body["error"] if isinstance(body["error"], dict) else body


def wire_of(path: str) -> Wire:
    """The wire of a path, whether anything is served there or not."""
    if path.startswith("/v2/"):
        return V2
    return OAUTH if path.startswith(OF_OAUTH) else V1


# v1


class ExpandParams(Params):
    """The parameter that every operation takes."""

    expand = List(String())


def params_of_v1(route: Route, tree: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Typed parameters, and the paths to expand."""
    wanted = tree.pop("expand", None)
    params = route.params.parse(tree)
    if wanted is None:
        return params, []
    paths = ExpandParams.parse({"expand": [wanted] if isinstance(wanted, str) else wanted})["expand"]
    is_retrieve = getattr(route.operation, "is_retrieve", False)
    check = partial(render.check_expand, record=route.returns, is_list=route.is_list, is_retrieve=is_retrieve)
    if params.pop("safe_expands", False):
        return params, [path for path in paths if passes(check, [path])]
    check(paths)
    return params, paths


def passes(check: Callable[..., None], *checked: Any) -> bool:
    """Whether a check refuses nothing."""
    try:
        check(*checked)
    except ApiError:
        return False
    return True


def body_of_v1(world: World, result: Any, expand: list[str], sent: Incoming) -> Any:
    """A list object with `has_more`, what is left of a deleted object, or the object itself."""
    if isinstance(result, Page):
        if result.records:
            expand = [*expand, *(f"data.{path}" for path in render.unasked(world, type(result.records[0])))]
        data = world.rows(result.records, partial(row, world, expand) if expand else world.render)
        return listed(data, result.url, has_more=result.has_more)
    if isinstance(result, Deleted):
        return {"id": result.record.id, "object": result.record.object, "deleted": True}
    if not isinstance(result, dict):
        expand = [*expand, *render.unasked(world, type(result))]
    return whole(world, result, expand)


def row(world: World, expand: list[str], record: Any) -> dict[str, Any]:
    """A record of a page as JSON; what is to be expanded of it begins with `data`."""
    return render.expanded(world, world.render(record), [path.partition(".")[2] for path in expand], is_row=True)


def whole(world: World, result: Any, shown: list[str]) -> dict[str, Any]:
    """A record or a plain hash as JSON, with what is to be shown of it."""
    body = render.ordered(result) if isinstance(result, dict) else world.render(result)
    return render.expanded(world, body, shown) if shown else body


V1 = Wire(
    keyed=frozenset({"POST"}),
    tree=Incoming.tree,
    params=params_of_v1,
    body=body_of_v1,
    refusal=ApiError.body,
    remembers=lambda refusal: refusal.is_remembered,
)


# v2


class IncludeParams(Params):
    """What a retrieve, create or update takes where there is something to include."""

    include = List(String())


def tree_of_v2(sent: Incoming) -> dict[str, Any]:
    """What was sent, from the one place where v2 sends it. 400 for anything in the other, and for what is no JSON."""
    if sent.broken:
        raise forms.broken_body(sent.broken)
    if sent.method != "POST":
        if sent.content:
            raise invalid(f"The parameters of a {sent.method} request belong into its query; it has no body.")
        forms.check_count(sent.query)
        return forms.nested(forms.pairs(sent.query))
    if sent.query:
        raise invalid("The parameters of a POST request belong into its JSON body, not into its query.")
    if not sent.content:
        return {}
    if sent.content_type != JSON:
        raise invalid(f"Invalid request (check that your POST content type is {JSON}).")
    return json_of(sent.content)


def json_of(content: bytes) -> dict[str, Any]:
    """A JSON object that has no more in it, and no deeper, than a form may have. The texts are ours."""
    try:
        tree = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise invalid(f"The body of this request is not valid JSON: {error}.") from None
    if not isinstance(tree, dict):
        raise invalid("The body of this request must be a JSON object.")
    if sum(1 for _ in leaves(tree)) > forms.MOST_PARAMETERS:
        raise forms.too_many()
    return tree


def leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    """Everything in a JSON value that has nothing in it. 400 where it lies deeper than a form's brackets may."""
    if not isinstance(value, dict | list) or not value:
        yield value
    elif depth > forms.DEEPEST:
        raise invalid(f"The body of this request is nested more than {forms.DEEPEST} levels deep.")
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item, depth + 1)


def params_of_v2(route: Route, tree: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Typed parameters, and what to include; lists include nothing. A page becomes the cursor it stands for."""
    known = [] if route.is_list or route.returns is None else sorted(route.returns.includes)
    before = WRITTEN.set("v2 json" if route.verb == "POST" else "v2 query")
    try:
        asked = {"include": tree.pop("include")} if known and "include" in tree else {}
        params = route.params.parse(tree)
        include = IncludeParams.parse(asked).get("include", [])
    finally:
        WRITTEN.reset(before)
    for position, name in enumerate(include):
        if name not in known:
            param = f"include[{position}]"
            raise invalid(f"Invalid {param}: {shortened(name, 64)}; must be one of {alternatives(known)}", param=param)
    if route.is_list and "page" in params:
        cursor, id = params.pop("page")
        params[cursor] = id
    return params, include


def body_of_v2(world: World, result: Any, include: list[str], sent: Incoming) -> Any:
    """A page with the paths of its neighbours, what is left of a deleted object, or the object itself."""
    if isinstance(result, Page):
        earlier, later = neighbours(result, sent)
        data = world.rows(result.records, world.render)
        return {"data": data, "next_page_url": later, "previous_page_url": earlier}
    if isinstance(result, Deleted):
        return {"id": result.record.id, "object": result.record.object}
    return whole(world, result, include)


def neighbours(page: Page, sent: Incoming) -> tuple[str | None, str | None]:
    """The paths of the pages before and after one, with the limit and the filters of its own."""
    asked = forms.pairs(sent.query)
    others = [(name, value) for name, value in asked if name != "page"]
    came = next((cursor_of(value) for name, value in reversed(asked) if name == "page"), None)
    backwards = came is not None and came[0] == "ending_before"
    has_later = backwards or page.has_more
    has_earlier = page.has_more if backwards else came is not None

    def path(cursor: str, id: str) -> str:
        return f"{page.url}?{urlencode([*others, ('page', page_token(cursor, id))])}"

    if not page.records:
        return None, None
    return (
        path("ending_before", page.records[0].id) if has_earlier else None,
        path("starting_after", page.records[-1].id) if has_later else None,
    )


def refusal_of_v2(refusal: ApiError, request_log_url: str | None) -> dict[str, Any]:
    """Code and message, and the parameter in the message, since v2 has no member for it.

    Of types only `idempotency_error` is told: the official SDKs have a class of their own for it.
    """
    code = None if refusal.status == 404 else refusal.code
    is_of_keys = refusal.type == "idempotency_error"
    message = refusal.message
    if refusal.param is not None and refusal.status != 404 and refusal.param not in message:
        message = f"{message} ({refusal.param})"
    error = {
        "code": code or (refusal.type if is_of_keys else CODES_OF_V2.get(refusal.status, "invalid_request")),
        "message": message,
    }
    return {"error": {**error, "type": refusal.type} if is_of_keys else error}


V2 = Wire(
    keyed=frozenset({"POST", "DELETE"}),
    tree=tree_of_v2,
    params=params_of_v2,
    body=body_of_v2,
    refusal=refusal_of_v2,
    remembers=lambda refusal: False,  # a call that failed is carried out again under its key
)


# OAuth

# What OAuth calls a refusal that does not say so itself by its code. `server_error` is not one of Stripe's.
ERRORS_OF_OAUTH = {401: "invalid_client", 403: "invalid_client"}
OWN_ERRORS_OF_OAUTH = (
    "invalid_client",
    "invalid_grant",
    "invalid_redirect_uri",
    "invalid_request",
    "invalid_scope",
    "unsupported_grant_type",
    "unsupported_response_type",
)


def tree_of_oauth(sent: Incoming) -> dict[str, Any]:
    """What was sent besides the key, which is kept nowhere."""
    return {name: value for name, value in sent.tree().items() if name != "client_secret"}


def authorization_of_oauth(sent: Incoming) -> str:
    """The header, or one that has the parameter `client_secret` as its key. 401 where there is neither."""
    header = sent.headers.get("authorization")
    if header:
        return header
    secret = sent.tree().get("client_secret")
    if not isinstance(secret, str) or not secret:
        raise unauthorized(
            "No authentication was provided. Send your secret API key using the Authorization header, or as a "
            "client_secret POST parameter."
        )
    return f"Bearer {secret}"


def refusal_of_oauth(refusal: ApiError, request_log_url: str | None) -> dict[str, Any]:
    """Two words of OAuth's own."""
    usual = "server_error" if refusal.status >= 500 else "invalid_request"
    named = refusal.code if refusal.code in OWN_ERRORS_OF_OAUTH else None
    return {
        "error": named or ERRORS_OF_OAUTH.get(refusal.status, usual),
        "error_description": refusal.message,
    }


OAUTH = replace(V1, tree=tree_of_oauth, refusal=refusal_of_oauth, authorization=authorization_of_oauth)
