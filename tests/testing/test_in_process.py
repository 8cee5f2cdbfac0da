"""The emulator in a test's own process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import httpx
import pytest

from bench.running import Running
from emulator.testing import InProcess


@pytest.fixture(scope="module")
def emulator() -> Iterator[InProcess]:
    with InProcess(settings={"platform_country": "GB"}) as emulator:
        yield emulator


def test_the_official_sdk_needs_no_socket(emulator, key):
    client = emulator.client(key)

    made = client.v1.customers.create({"name": "Ada"})

    assert client.v1.customers.retrieve(made.id).name == "Ada"
    assert client.v1.accounts.retrieve_current().country == "GB"


def test_the_sdks_asynchronous_methods_need_none_either(emulator, key):
    async def made() -> str:
        return (await emulator.client(key).v1.customers.create_async({"name": "Ada"})).name

    assert asyncio.run(made()) == "Ada"


def test_a_file_is_uploaded(emulator, key, tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")

    with picture.open("rb") as file:
        sent = emulator.client(key).v1.files.create({"purpose": "dispute_evidence", "file": file})

    assert (sent.filename, sent.size) == ("a.png", 8)


def test_httpx_reaches_it(emulator, key):
    with httpx.Client(transport=emulator.transport(), base_url=emulator.base_url, auth=(key, "")) as http:
        made = http.post("/v1/customers", data={"name": "Ada"}).json()

    async def read() -> dict:
        transport = emulator.async_transport()
        async with httpx.AsyncClient(transport=transport, base_url=emulator.base_url, auth=(key, "")) as http:
            return (await http.get(f"/v1/customers/{made['id']}")).json()

    assert asyncio.run(read()) == made


def test_two_emulators_know_nothing_of_each_other(emulator, key):
    emulator.client(key).v1.customers.create()

    with InProcess() as other:
        assert other.client(key).v1.customers.list().data == []


def test_a_closed_one_leaves_no_folder():
    with InProcess() as emulator:
        emulator.client().v1.customers.create()
        folder = emulator.folder.name

    assert not os.path.exists(folder)


def test_worlds_in_a_database_stay_and_are_what_others_serve(database, key):
    with Running(database, "--quiet") as server, InProcess(database=database) as emulator:
        made = emulator.client(key).v1.customers.create({"name": "Ada"})
        there = httpx.get(f"{server.url}/v1/customers/{made.id}", auth=(key, ""), trust_env=False)
    with InProcess(database=database) as emulator:
        found = emulator.client(key).v1.customers.retrieve(made.id)

    assert (there.json()["name"], found.name) == ("Ada", "Ada")


def test_what_is_no_address_of_a_database_is_refused_and_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ValueError, match="postgresql://user:password"):
        InProcess(database="worlds")

    assert list(tmp_path.iterdir()) == []
