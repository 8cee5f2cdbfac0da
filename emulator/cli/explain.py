"""`explain`, `books` and `changes`: what happened to an object, how a balance came about, what is different."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import click

from emulator.cli.calling import as_json, call, calling
from emulator.cli.spoken import at, moment, shown


@click.command()
@click.argument("id")
@as_json
@calling
def explain(id: str, as_json: bool, url: str, api_key: str | None) -> None:
    """Tell the story of an object: requests, what they changed, whom that was told, and what they called back."""
    story = call(url, api_key, "GET", f"/_emulator/explain/{quote(id, safe='')}")
    said(story, as_json, explain_lines(story))


@click.command()
@click.argument("book", required=False)
@click.option("--owner", metavar="ID", help="Only the books of a financial account or an account.")
@click.option("--since", metavar="TIME", help="Only what moved from then on.")
@click.option("--until", metavar="TIME", help="Only what moved before.")
@as_json
@calling
def books(
    book: str | None,
    owner: str | None,
    since: str | None,
    until: str | None,
    as_json: bool,
    url: str,
    api_key: str | None,
) -> None:
    """List the books that money was ever in; or one of them, such as fa_…:cash:usd, as a statement."""
    if book is None:
        story = call(url, api_key, "GET", "/_emulator/books" + query(owner=owner))
        said(story, as_json, (f"{one['book']} {one['amount']}" for one in story["data"]))
        return
    times = {name: moment(text) for name, text in (("since", since), ("until", until)) if text is not None}
    story = call(url, api_key, "GET", f"/_emulator/books/{quote(book, safe='')}" + query(limit=1000, **times))
    said(story, as_json, statement_lines(story))


@click.command()
@click.option("--since", metavar="NAME", help="A snapshot.")
@click.option("--until", metavar="NAME", help="Another one; what is now without.")
@click.option("--since-request", metavar="ID", help="Instead, a request.")
@as_json
@calling
def changes(
    since: str | None, until: str | None, since_request: str | None, as_json: bool, url: str, api_key: str | None
) -> None:
    """Say what changed since a snapshot, between two of them, or since a request."""
    asked = query(since=since, until=until, since_request=since_request)
    story = call(url, api_key, "GET", f"/_emulator/changes{asked}")
    said(story, as_json, change_lines(story))


def query(**given: Any) -> str:
    """What follows a path."""
    values = {name: value for name, value in given.items() if value is not None}
    return f"?{urlencode(values)}" if values else ""


def said(story: dict[str, Any], as_json: bool, lines: Iterable[str]) -> None:
    """A reply as JSON, or in lines."""
    click.echo(json.dumps(story, indent=2) if as_json else "\n".join(lines))


def explain_lines(story: dict[str, Any]) -> Iterator[str]:
    """The story as a tree."""
    yield f"{story['id']} of {story['account']}"
    yield from (f"  {outcome}" for outcome in story["decisions"] or ())
    for one in story["story"]:
        request = one["request"]
        by = "as time passed" if request is None else " ".join(
            str(request[name]) for name in ("method", "path", "status", "id") if name in request
        )  # fmt: skip
        yield f"{at(one['created'])}  {by}"
        for event in one["events"]:
            yield f"  {event['type']} {event['id']}"
            yield from (f"    {row['member']}: {shown(row['from'])} -> {shown(row['to'])}" for row in event["changed"])
            for delivery in event["deliveries"]:
                yield f"    to {delivery['url'] or delivery['webhook_endpoint']}: {delivery['state']}"
                for attempt in delivery["tries"]:
                    yield f"      {attempt['status'] or attempt['error']} in {attempt['duration_ms']} ms"
                    for called in attempt["api_calls"]:
                        yield f"        called {called['method']} {called['path']} {called['status']}"
    yield from (f"{at(one['created'])}  moved: {one['kind']} {one['id']}" for one in story["movements"])
    yield from (f"{at(one['due_at'])}  falls due: {one['action']}" for one in story["waiting"])


def statement_lines(story: dict[str, Any]) -> Iterator[str]:
    """A statement, an entry a line."""
    yield f"{story['book']}, brought forward {story['brought_forward']}"
    for one in story["entries"]:
        yield f"{at(one['created'])}  {one['says']}, {one['balance']} left ({one['flow'] or one['id']})"
    ends = {True: ", and adds up", False: f", but the book holds {story['amount']}", None: ""}[story["adds_up"]]
    yield f"{story['brought_forward']} {story['sum']:+} = {story['closing']}{ends}"


def change_lines(story: dict[str, Any]) -> Iterator[str]:
    """What is new, gone and different, an object a line, and what the books gained."""
    yield from (f"+ {one['object']} {one['id']}" for one in story["created"])
    yield from (f"- {one['object']} {one['id']}" for one in story["deleted"])
    for one in story["changed"]:
        yield f"~ {one['object']} {one['id']}"
        yield from (f"    {row['member']}: {shown(row['from'])} -> {shown(row['to'])}" for row in one["changed"])
    yield from (f"  {row['book']}: {row['from']} -> {row['to']}" for row in story["books"] or ())
    if not any(story[name] for name in ("created", "deleted", "changed", "books")):
        yield "Nothing has changed."
