"""`why`: how the requests of an authorization were decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import click

from emulator.cli.calling import as_json, call, calling, said
from emulator.cli.spoken import at, shown


@click.command()
@click.argument("id")
@as_json
@calling
def why(id: str, as_json: bool, url: str, api_key: str | None) -> None:
    """Say in a line why an authorization was approved or declined; then every rule, and what it saw."""
    story = call(url, api_key, "GET", f"/_emulator/why/{quote(id, safe='')}")
    said(story, as_json, why_lines(story))


def why_lines(story: dict[str, Any]) -> Iterator[str]:
    """Each request of an authorization, the newest first: its outcome, hints, and its rules in order.

    What has been printed is not printed again: facts are named without their value, and of earlier requests only the
    rules are shown that saw something else or came to another verdict. A rule that would have objected says to what.
    """
    printed: dict[str, Any] = {}
    told: list[tuple[Any, ...]] = []
    for request in reversed(story["requests"]):
        if told:
            yield ""
        yield request["outcome"]
        message = f" ({request['reason_message']})" if request["reason_message"] else ""
        yield f"{'' if told else story['id'] + ', '}{at(request['created'])}, {request['reason']}{message}"
        yield from (f"hint: {hint}" for hint in request["hints"])
        rules = [(rule["says"], rule["verdict"], facts_of(rule, request)) for rule in request["rules"]]
        sentences = [rule["sentence"] for rule in request["rules"]]
        for number, (rule, sentence) in enumerate(zip(rules, sentences, strict=True), 1):
            if rule not in told:
                says, verdict, saw = rule
                facts = ", ".join(name if printed.get(name) == value else f"{name}={value}" for name, value in saw)
                printed |= saw
                yield f"{number:>4}. {verdict:<12} {says}" + (f" [{facts}]" if facts else "")
                if verdict == "would object":
                    yield f"      {sentence}"
        same = sum(rule in told for rule in rules)
        if same:
            yield f"      {same} more as above"
        told += rules


def facts_of(rule: dict[str, Any], request: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a rule looked at, and what it saw there."""
    return tuple((fact, shown(request["saw"][fact])) for fact in rule["looks_at"])
