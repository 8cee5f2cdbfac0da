"""What the commands share that call a running server: where it is, whose world, and its answer."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import click

from emulator.cli.complaints import Refused, WrongUse
from emulator.first_steps import DEFAULT_URL


class ServerUrl(click.ParamType):
    """Where a server is, as people write it: `localhost:12111` and a slash at the end are understood too."""

    name = "url"

    def convert(self, value: str, param: Any, ctx: Any) -> str:
        """The address with its scheme, without the slash."""
        url = (value if "://" in value else f"http://{value}").rstrip("/")
        if not re.fullmatch(r"https?://[^\s/]\S*", url, re.IGNORECASE):
            raise WrongUse(f"A server's address reads {DEFAULT_URL}, not {value}.")
        return url


finding = click.option(
    "--url",
    envvar="STRIPE_EMULATOR_URL",
    type=ServerUrl(),
    default=DEFAULT_URL,
    show_default=True,
    help="Where the server is.",
)


acting = click.option("--stripe-account", metavar="ID", help="Act for this connected account.")


def calling(command: Any) -> Any:
    """The options of a command that calls a server with a key."""
    command = finding(command)
    return click.option("--api-key", envvar="STRIPE_API_KEY", help="Whose world.  [env: STRIPE_API_KEY]")(command)


as_json = click.option("--json", "as_json", is_flag=True, help="Print the server's reply.")


def said(story: dict[str, Any], as_json: bool, lines: str | Iterable[str]) -> None:
    """A reply as JSON, or in lines."""
    click.echo(json.dumps(story, indent=2) if as_json else lines if isinstance(lines, str) else "\n".join(lines))


def needed(api_key: str | None) -> str:
    """The key, or how to give one."""
    if not api_key:
        raise WrongUse("No API key: set STRIPE_API_KEY or give --api-key, for instance sk_test_demo.")
    if not api_key.isascii() or not api_key.isprintable():
        raise WrongUse("An API key has no characters beyond ASCII and no line breaks.")
    return api_key


def call(
    url: str,
    api_key: str | None,
    method: str,
    path: str,
    form: dict[str, Any] | None = None,
    *,
    account: str | None = None,
    file: tuple[str, bytes] | None = None,
) -> dict[str, Any]:
    """One request to a running server; its JSON. WrongUse when there is none, Refused in the server's words.

    `account` is the connected account that it acts for, `file` the name and content of a part called file.
    """
    response = answered(url, api_key, method, path, form, account=account, file=file)
    return body_of(response, url)


def fetched(url: str, api_key: str | None, path: str) -> bytes:
    """What a server has under a path, as it is. WrongUse and Refused likewise."""
    response = answered(url, api_key, "GET", path)
    if response.status_code >= 400:
        body_of(response, url)
    return response.content


def answered(
    url: str,
    api_key: str | None,
    method: str,
    path: str,
    form: dict[str, Any] | None = None,
    *,
    account: str | None = None,
    file: tuple[str, bytes] | None = None,
) -> Any:
    """The response to a request."""
    headers = {"Authorization": f"Bearer {needed(api_key)}"}
    if account is not None:
        headers["Stripe-Account"] = account
    files = {"file": file} if file is not None else None
    with reaching(url), http_client(url) as http:
        return http.request(method, path, data=form, files=files, headers=headers)


def body_of(response: Any, url: str) -> dict[str, Any]:
    """The JSON of a response that is no refusal."""
    try:
        body = response.json()
        if response.status_code >= 400:
            raise Refused(body["error"]["message"])
    except (ValueError, KeyError, TypeError):
        raise WrongUse(f"What answers at {url} is not this emulator.") from None
    return body


def http_client(url: str) -> Any:
    """An HTTP client for one server; proxies of the environment are not asked about it."""
    import httpx

    return httpx.Client(base_url=url, timeout=80, trust_env=False)


def http_errors() -> tuple[type[Exception], ...]:
    """What httpx raises when a server cannot be reached or named."""
    import httpx

    return (httpx.HTTPError, httpx.InvalidURL)


@contextlib.contextmanager
def reaching(url: str) -> Iterator[None]:
    """Say in one sentence that nobody answers."""
    try:
        yield
    except http_errors():
        plain = " (the emulator speaks plain http)" if url.lower().startswith("https:") else ""
        raise WrongUse(f"No server answers at {url}{plain}; start one with `stripe-emulator serve`.") from None
