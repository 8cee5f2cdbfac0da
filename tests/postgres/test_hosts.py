"""Processes on hosts of their own, with nothing in common but the database, serve one world."""

from __future__ import annotations

from contextlib import ExitStack

import httpx
import pytest

from bench.postgres import NoPostgres, PostgresServer, prepare
from bench.running import Running, assert_whole
from tests.hosts import network
from tests.postgres.test_three_processes import made, read

KEY = "sk_test_hosts"


def test_three_hosts_serve_one_world_and_any_answers_for_what_any_other_did():
    with ExitStack() as stack:
        there = stack.enter_context(network(3))
        try:
            server = stack.enter_context(PostgresServer(prepare, addresses=there.address, networks=(there.range,)))
        except NoPostgres as reason:
            pytest.skip(str(reason))
        url = server.database()
        each = []
        for host in there.hosts:
            names = ("--host", host.address, "--allow-host", host.address, "--quiet")
            running = stack.enter_context(Running(url, *names, within=host.within))
            http = httpx.Client(base_url=running.url, auth=(KEY, ""), trust_env=False, timeout=60)
            each.append(stack.enter_context(http))
        assert len({http.base_url.host for http in each}) == 3

        one, two, three = each
        made(one, "/_emulator/clock", set=2_000_000_000, frozen="true")
        customer = made(two, "/v1/customers", name="Ada")
        made(three, f"/v1/customers/{customer['id']}", name="Grace")
        again = [
            http.post("/v1/customers", data={"name": "once"}, headers={"Idempotency-Key": "once"}).content
            for http in each
        ]
        seen = [read(http, "/v1/customers") for http in each]
        types = [event["type"] for event in read(two, "/v1/events")["data"]]

        assert customer["created"] == 2_000_000_000
        assert len(set(again)) == 1
        assert seen[0] == seen[1] == seen[2]
        assert [found["name"] for found in seen[0]["data"]] == ["once", "Grace"]
        assert types == ["customer.created", "customer.updated", "customer.created"]
        assert_whole(url)
