"""Calls from within: what a client could ask for over HTTP, with the rights of a world's own key and no socket between.

Each is checked, carried out and refused as a client's is. One that changes something is told on the console and in the
request log like any other; one that only reads is not, nor do faults that wait for requests strike these.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from functools import partial
from typing import Any

import orjson

from emulator.kernel import ids
from emulator.kernel.errors import ApiError, unrecognized_url
from emulator.kernel.routes import Route
from emulator.kernel.tenants import Tenant
from emulator.kernel.waiting import Waiting, driven, elsewhere
from emulator.kernel.wire import keys
from emulator.kernel.wire.incoming import Incoming
from emulator.kernel.wire.pipeline import Exchange, Pipeline, Reply
from emulator.kernel.wire.wires import wire_of


class Inside:
    """Calls whatever a server serves. `user_agent` is what the request log says of who asked."""

    def __init__(self, pipeline: Pipeline, user_agent: str) -> None:
        self.pipeline = pipeline
        self.user_agent = user_agent

    def opened_by(self, key: str) -> Tenant:
        """The tenant that a secret key opens. ApiError 401 for what is none."""
        found = keys.key_of(f"Bearer {key}")
        if found.kind == "pk":
            raise keys.publishable_key_refused()
        if found.account is not None:
            raise keys.invalid_key(found.masked)
        return self.pipeline.tenants.open(found.tenant)

    def refusal_of(self, failure: Exception, method: str, path: str) -> ApiError | None:
        """What a client would be told of a failure; None, and the log has it, where we are at fault for it."""
        sent = Incoming(method, path, b"", {"user-agent": self.user_agent}, "", "")
        exchange = Exchange(sent, method, path, "", wire_of(path), time.perf_counter())
        self.pipeline.failed(exchange, failure)
        return exchange.refusal

    def call(
        self,
        tenant: Tenant,
        verb: str,
        path: str,
        params: Mapping[str, Any],
        *,
        account: str | None = None,
        origin: str,
    ) -> Any:
        """What comes of it, as JSON; this thread waits where that is needed. ApiError where it is refused.

        `params` are plain values, nested where a form has brackets. `account` is whom the request acts for, the
        platform itself where there is none; `origin` where the caller believes the server to be.
        """
        sent = Incoming(verb, path, b"", {"user-agent": self.user_agent}, origin, "")
        exchange = Exchange(
            sent,
            verb,
            path,
            ids.request_id(),
            wire_of(path),
            time.perf_counter(),
            key=keys.Key("sk", tenant.name, f"sk_test_{tenant.name}"),
            tenant=tenant,
            named_account=account,
            tree=as_sent(params),
        )
        try:
            reply = driven(elsewhere(partial(self.begun, exchange, as_sent(params))))
        except Exception as failure:
            reply = self.pipeline.failed(exchange, failure)
            if exchange.refusal is None:
                self.note(exchange, reply)
                raise
        self.note(exchange, reply)
        if exchange.refusal is not None:
            raise exchange.refusal
        return orjson.loads(reply.body)

    def begun(self, exchange: Exchange, tree: dict[str, Any]) -> Reply | Waiting[Reply]:
        """The reply, or the waiting that ends with it."""
        pipeline = self.pipeline
        assert exchange.tenant is not None
        found = pipeline.catalog.table.find(exchange.method, exchange.path)
        if found is None or not isinstance(found[0], Route):
            raise unrecognized_url(exchange.method, exchange.path)
        exchange.route, exchange.values = route, values = found
        if exchange.method != "GET":
            exchange.named = frozenset(values.values())
        if route.scope == "server":
            return pipeline.told(exchange)
        if exchange.named_account is not None:
            pipeline.check_account(exchange)
        params, expand = exchange.wire.params(route, tree)
        if route.scope == "calls":
            return pipeline.in_calls(exchange, params, b"")
        if route.scope == "tenant":
            result = route.operation(exchange.tenant, params, *values.values())
            return shown(result) if isinstance(result, Generator) else Reply(200, pipeline.as_bytes(result, exchange))
        newest = pipeline.catalog.settings["api_version"].default
        return pipeline.in_step(exchange, pipeline.cause(exchange, newest), params, expand, b"")

    def note(self, exchange: Exchange, reply: Reply) -> None:
        """Tell of what changed something, or was to."""
        if exchange.method == "GET":
            return
        line = self.pipeline.line(exchange, reply, (time.perf_counter() - exchange.began) * 1000)
        self.pipeline.tenants.request_log.add(line)
        if self.pipeline.on_request is not None:
            self.pipeline.on_request(line)


def shown(waiting: Waiting[Any]) -> Waiting[Reply]:
    """What is waited for, as a reply."""
    return Reply(200, orjson.dumps((yield from waiting)))


def as_sent(value: Any) -> Any:
    """Plain values as a form has them."""
    if isinstance(value, Mapping):
        return {name: as_sent(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_sent(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
