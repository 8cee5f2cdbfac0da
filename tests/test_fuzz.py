"""Inputs that nobody means to send break nothing: the short form of bench/fuzz.py, and that it would notice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from bench import fuzz
from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examined
from emulator.kernel.routes import Route
from emulator.openapi import FORM
from tests.client import Client

LIST = next(route for route in CATALOG.routes if route.signature == "GET /v1/issuing/cards")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    application = create_app(tmp_path / "own")
    yield application
    application.emulator.close()


def test_some_hundred_inputs_of_every_kind_do_no_harm_and_most_reach_an_operation(
    tmp_path: Path, place_of_worlds: Callable[[Path], Path | str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "examined", lambda folder, catalog: examined(place_of_worlds(folder), catalog))

    told = fuzz.run(400, 1, tmp_path)

    assert told.wrong == []
    assert set(told.inputs) == set(fuzz.KINDS) and sum(told.inputs.values()) == 400
    assert sum(told.reached.values()) > 200 and sum(told.succeeded.values()) > 40


def test_an_answer_that_is_our_fault_is_noticed(app, monkeypatch, caplog) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    told, writer = fuzz.Told(), fuzz.Writer("sk_test_fuzz", random.Random(1))
    headers = {"Authorization": "Bearer sk_test_fuzz"}
    monkeypatch.setattr(Route, "returns", property(broken))

    fuzz.send(app.test_client(), fuzz.Input(LIST, "GET", LIST.path, b"expand[]=data.x", headers, b""), writer, told)

    assert [wrong.what.partition(":")[0] for wrong in told.wrong] == ["500"]


def test_an_answer_that_does_not_come_is_noticed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    told, writer = fuzz.Told(), fuzz.Writer("sk_test_fuzz", random.Random(1))
    Client(app, "sk_test_fuzz").made("/_emulator/faults", kind="wait", milliseconds=2_000)
    headers = {"Authorization": "Bearer sk_test_fuzz"}
    monkeypatch.setattr(fuzz, "HANGS_AFTER_SECONDS", 0.2)

    fuzz.send(app.test_client(), fuzz.Input(LIST, "GET", LIST.path, b"", headers, b""), writer, told)

    assert [wrong.what.partition(":")[0] for wrong in told.wrong] == ["Hangs"]


def test_ids_of_replies_are_used_again_by_kind_and_account() -> None:
    writer = fuzz.Writer("sk_test_fuzz", random.Random(1))
    writer.learn("acct_a", b'{"id": "ic_1234567890abcd", "cardholder": "ich_1234567890abcd"}')

    pairs = [writer.filled(LIST, "acct_a", {"cardholder": "x", "starting_after": "y"}) for _ in range(20)]

    assert [("cardholder", "ich_1234567890abcd"), ("starting_after", "ic_1234567890abcd")] in pairs
    assert fuzz.written([("a[b]", 1)]) == (b"a%5Bb%5D=1", FORM)
