"""The one pipeline, request to reply, and the one error handler.

key → version → route → account → parameters → step: idempotency, operation, render → reply. The order in which a
request is judged is Stripe's as far as it can be observed.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import orjson
from flask import Flask, Response, request
from werkzeug.http import HTTP_STATUS_CODES

from emulator.kernel import ids, render, versions
from emulator.kernel.database.face import Conflict, Lock, StorageFails, Unsure, WorldDamaged, WorldGone
from emulator.kernel.database.replies import StoredReply
from emulator.kernel.database.request_log import masked
from emulator.kernel.errors import (
    ApiError,
    account_invalid,
    invalid,
    key_in_use,
    not_built,
    unknown_failure,
    unreadable,
    unrecognized_url,
    unsure,
    unusable,
)
from emulator.kernel.faults import LOST, dropped
from emulator.kernel.params import NoParams
from emulator.kernel.questions import Question
from emulator.kernel.render import Content
from emulator.kernel.requests import NO_VALUES, Recorded, Request, RequestLine
from emulator.kernel.routes import OF_OAUTH, STRIPES, NotBuilt, Route
from emulator.kernel.settings import RECORD
from emulator.kernel.step import Step
from emulator.kernel.tenants import Caller, Tenant, Tenants, time_of
from emulator.kernel.waiting import Alarm, Wait, Waiting, Work, driven, elsewhere
from emulator.kernel.webhooks.asker import Asked, Asker
from emulator.kernel.wire import idempotency, keys
from emulator.kernel.wire.doors import Doors
from emulator.kernel.wire.incoming import Incoming, head_of, received
from emulator.kernel.wire.wires import V1, Wire, wire_of
from emulator.kernel.world import World

log = logging.getLogger("emulator")
API = (*STRIPES, *OF_OAUTH, "/_emulator/")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
REPLY_LOST = "A fault closed the connection before this reply was sent."
LONG_TO_READ = 64 * 1024  # bytes of a body, from which on it takes some milliseconds
MOST_CONFLICTS = 4  # after which whoever asks may try again
FOR_BROWSERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Request-Id, Stripe-Manage-Version, X-Stripe-External-Auth-Required, X-Stripe-Privileged-Session-Required"
    ),
    "Access-Control-Max-Age": "300",
    "Vary": "Origin",
}
# What a page may send to the operations that browsers call, besides what it may send to all.
FROM_BROWSERS = "Authorization, Content-Type, Idempotency-Key, Stripe-Account, Stripe-Version"
# What is in a reply's headers too, by its name in lower case.
ECHOED = {name.lower(): name for name in ("Idempotency-Key", "Stripe-Account", "Stripe-Context", "Stripe-Version")}
STATUS_LINES = {status: f"{status} {phrase.upper()}" for status, phrase in HTTP_STATUS_CODES.items()}


class Reply(NamedTuple):
    """Status and bytes, before headers."""

    status: int
    body: bytes
    replayed_from: str | None = None
    ran: bool = False


class TooEarly(Exception):
    """What an object would have done by itself gave way to a request, and then the request was refused."""


class FaultsWait(Exception):
    """A step has found that faults wait for requests, which nobody has looked at yet."""


class Answer(NamedTuple):
    """A whole reply. One that `drops` is not sent."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    drops: bool = False  # the connection is to be closed in its place; this is for servers that cannot


@dataclass(slots=True)
class Exchange:
    """One request on its way through the pipeline."""

    sent: Incoming
    method: str
    path: str
    request_id: str
    wire: Wire
    began: float
    headers: dict[str, str] = field(default_factory=dict)
    key: keys.Key | None = None
    tenant: Tenant | None = None
    named_account: str | None = None
    route: Route | None = None
    values: dict[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()  # the objects that it would change, which do nothing by themselves before it
    idempotency_key: str | None = None
    refusal: ApiError | None = None
    default_version: str | None = None
    status: int = 200
    media_type: str = "application/json"
    replayed: bool = False
    hint: str | None = None
    lets_pass: int = 0  # seconds, before the reply leaves
    drops: bool = False  # its reply is lost with its connection
    may_be_struck: bool = False  # by a fault, if its step finds that any wait
    tree: dict[str, Any] | None = None  # what was sent, of a call from within, which has no bytes
    running: Lock | None = None  # by which others see that its key is in use, where that lasts for several steps
    keep: Callable[..., None] | None = None  # to be called with a reply that may be given again


class Pipeline:
    """Answers every request of a server."""

    def __init__(
        self,
        tenants: Tenants,
        on_request: Callable[[RequestLine], None] | None = None,
        asker: Asker | None = None,
    ) -> None:
        self.tenants = tenants
        self.asker = asker
        self.catalog = tenants.catalog
        self.on_request = on_request

    def mount(self, app: Flask, doors: Doors = Doors()) -> None:  # noqa: B008
        """Answer every path of a Flask application that no view of its own has, the API's ahead of Flask's routing.

        The catalog's table knows every path of the API; routing it through Flask too costs as much as reading a record.
        Pages, and what nobody knows, go the usual way. The doors are those of the front, and a live key is refused
        before a body is read: whatever serves WSGI gives a thread to each.
        """
        through_flask = app.wsgi_app

        def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            head = head_of(environ)
            is_of_the_api = head.path.startswith(API)
            try:
                doors.check(head.method, head.headers)
                if is_of_the_api:
                    keys.refuse_live(head.headers.get("authorization", ""))
            except ApiError as refusal:
                answer = self.turn_away(head, refusal)
            else:
                if not is_of_the_api:
                    return through_flask(environ, start_response)
                answer = self.answer(received(environ))
            length = ("Content-Length", str(len(answer.body)))
            start_response(STATUS_LINES[answer.status], [*doors.shown_to(head.headers, answer.headers), length])
            return [] if head.method == "HEAD" else [answer.body]

        app.wsgi_app = wsgi_app  # type: ignore[method-assign]
        app.url_map.merge_slashes = False
        app.add_url_rule("/", "root", self.view, methods=METHODS, defaults={"path": ""})
        app.add_url_rule("/<path:path>", "any", self.view, methods=METHODS, provide_automatic_options=False)
        app.register_error_handler(405, lambda refusal: self.view(request.path))  # a method we never heard of

    def view(self, path: str) -> Response:
        """A request that Flask has routed here."""
        answer = self.answer(received(request.environ))
        return Response(answer.body, answer.status, answer.headers)

    @property
    def asks(self) -> bool:
        """Whether a client is being asked something."""
        return self.asker is not None and len(self.asker.mine) > 0

    def answer(self, sent: Incoming) -> Answer:
        """One request, whatever comes of it, as a reply with headers; this thread waits where that is needed."""
        begun = self.begin(sent)
        return begun if isinstance(begun, Answer) else driven(begun)

    def begin(self, sent: Incoming, *, is_again: bool = False) -> Answer | Waiting[Answer]:
        """The reply to a request; or, where it cannot be given at once, the waiting that ends with it.

        One that comes to a world which another process has deleted begins again, once, in a new one.
        """
        exchange = Exchange(sent, sent.method, sent.path, ids.request_id(), wire_of(sent.path), time.perf_counter())
        try:
            reply = self.judge(exchange)
        except Exception as failure:
            if not is_again and came_too_late(exchange, failure):
                return self.begin(sent, is_again=True)
            reply = self.failed(exchange, failure)
        return self.finish(exchange, reply) if isinstance(reply, Reply) else self.finished(exchange, reply, is_again)

    def finished(self, exchange: Exchange, waiting: Waiting[Reply], is_again: bool) -> Waiting[Answer]:
        """The same for a reply that is waited for."""
        try:
            reply = yield from waiting
        except Exception as failure:
            if not is_again and came_too_late(exchange, failure):
                begun = self.begin(exchange.sent, is_again=True)
                return begun if isinstance(begun, Answer) else (yield from begun)
            reply = self.failed(exchange, failure)
        return self.finish(exchange, reply)

    def finish(self, exchange: Exchange, reply: Reply) -> Answer:
        """A reply with its headers, once it has been noted."""
        exchange.status = reply.status
        exchange.replayed = reply.replayed_from is not None
        line = self.line(exchange, reply, (time.perf_counter() - exchange.began) * 1000)
        self.tenants.request_log.add(line)
        if exchange.tenant is not None and exchange.tenant.handling:
            self.note(exchange, line)
        if self.on_request is not None:
            self.on_request(line)
        answer = Answer(reply.status, self.headers_of(exchange, reply), reply.body)
        return self.lost(exchange) if exchange.drops else answer

    def lost(self, exchange: Exchange) -> Answer:
        """What is said in place of a reply that a fault has lost, where the connection cannot be closed instead."""
        exchange.headers, exchange.media_type = {}, "application/json"
        reply = self.refuse(exchange, dropped())
        return Answer(reply.status, self.headers_of(exchange, reply), reply.body, drops=True)

    def turn_away(self, sent: Incoming, refusal: ApiError) -> Answer:
        """The reply to a request that is not let in."""
        exchange = Exchange(sent, sent.method, sent.path, ids.request_id(), wire_of(sent.path), time.perf_counter())
        return self.finish(exchange, self.refuse(exchange, refusal))

    # Judging

    def failed(self, exchange: Exchange, failure: Exception) -> Reply:
        """The reply of a request that is refused, or that we are at fault for."""
        if isinstance(failure, ApiError):
            return self.refuse(exchange, failure)
        if isinstance(failure, WorldGone):
            is_replaced = exchange.tenant is not None and not exchange.tenant.is_deleted
            what = "was replaced by another" if is_replaced else "was deleted"
            return self.refuse(exchange, invalid(f"The world {what} while this request was on its way."))
        if isinstance(failure, Unsure):
            return self.refuse(exchange, unsure(str(failure)))
        if isinstance(failure, StorageFails):
            return self.refuse(exchange, unusable(str(failure)))
        if isinstance(failure, WorldDamaged):
            return self.tell_of(exchange, failure)
        log.error("%s %s failed\n%s", exchange.method, exchange.path, "".join(traceback.format_exception(failure)))
        try:
            if exchange.tenant is not None:
                exchange.tenant.check()
        except WorldDamaged as damage:
            return self.tell_of(exchange, damage)
        except (WorldGone, StorageFails):
            pass  # what failed is known already
        exchange.headers["Stripe-Should-Retry"] = "false"
        return Reply(500, render.encoded(exchange.wire.refusal(unknown_failure(), None)))

    def tell_of(self, exchange: Exchange, damage: WorldDamaged) -> Reply:
        """500 for a world that cannot be read; the log hears of it once."""
        if exchange.tenant is not None:  # an address that is opened without a key names none
            self.tenants.tell_of(exchange.tenant.handle, damage)
        return self.refuse(exchange, unreadable(str(damage)))

    def judge(self, exchange: Exchange) -> Reply | Waiting[Reply]:
        """The reply of a request that is not refused on the way."""
        if exchange.method == "OPTIONS":
            asked, _ = self.catalog.table.find(
                exchange.sent.headers.get("access-control-request-method", ""), exchange.path
            ) or (None, {})
            if isinstance(asked, Route) and (asked.publishable or asked.ephemeral):
                exchange.headers["Access-Control-Allow-Headers"] = FROM_BROWSERS
            return Reply(200, b"")
        verb = "GET" if exchange.method == "HEAD" else exchange.method
        found = self.catalog.table.find(verb, exchange.path)
        if found is not None and isinstance(found[0], Route) and found[0].scope == "server":
            exchange.route, exchange.values = found[0], found[1]
            return elsewhere(partial(self.told, exchange))
        if not exchange.path.startswith(API):
            raise unrecognized_url(exchange.method, exchange.path)

        if found is not None and verb != "GET":
            exchange.named = frozenset(found[1].values())
        exchange.key = keys.key_of(exchange.wire.authorization(exchange.sent))
        exchange.tenant = self.tenant_of(exchange.key)
        for name, shown in ECHOED.items():
            if name in exchange.sent.headers:
                keys.check_header(shown, exchange.sent.headers[name])
        is_long = len(exchange.sent.content) > LONG_TO_READ or (
            found is not None and isinstance(found[0], Route) and found[0].scope == "tenant"
        )
        if is_long or exchange.tenant.keeps_waiting(writes=verb != "GET"):
            return elsewhere(partial(self.judge_in_world, exchange, verb, found))
        return self.judge_in_world(exchange, verb, found)

    def tenant_of(self, key: keys.Key) -> Tenant:
        """The tenant that a key opens, made if there is none yet. 401 for a key of an account in no world."""
        tenant = self.tenants.open(key.tenant) if key.account is None else self.tenants.behind(key.tenant)
        if tenant is None:
            raise keys.invalid_key(key.masked)
        return tenant

    def told(self, exchange: Exchange) -> Reply:
        """What an operation of the server says. One that takes parameters is a form of a page of ours."""
        route = exchange.route
        assert route is not None
        params = {} if route.params is NoParams else route.params.parse(exchange.sent.tree())
        result = route.operation(self.tenants, params, *exchange.values.values())
        return Reply(result.status if isinstance(result, Content) else 200, self.as_bytes(result, exchange))

    def judge_in_world(
        self, exchange: Exchange, verb: str, found: tuple[Route | NotBuilt, dict[str, str]] | None
    ) -> Reply | Waiting[Reply]:
        """The same once it is known whose world is meant, and that nobody is kept waiting by a look at it."""
        assert exchange.key is not None
        if verb == "GET" and found is not None and isinstance(found[0], Route) and found[0].scope == "world":
            again = self.again(exchange, *found)
            if again is not None:
                return again
        version = exchange.sent.headers.get("stripe-version")
        if version is not None:
            keys.check_version(version)
        exchange.named_account = keys.named_account(
            exchange.sent.headers.get("stripe-account"), exchange.sent.headers.get("stripe-context")
        )
        if exchange.named_account:
            exchange.headers["Stripe-Account"] = exchange.named_account
            self.check_account(exchange)
        if found is None:
            raise unrecognized_url(exchange.method, exchange.path)
        if isinstance(found[0], NotBuilt):
            raise not_built(exchange.method, found[0].path)
        exchange.route, exchange.values = found
        if exchange.path.startswith(STRIPES):
            assert exchange.tenant is not None
            exchange.tenant.let_through(verb, exchange.path)
        if exchange.key.kind == "pk" and not exchange.route.publishable:
            raise keys.publishable_key_refused()
        tree = exchange.wire.tree(exchange.sent)
        if exchange.key.account is not None:
            self.admit(exchange, tree)
        if verb in exchange.wire.keyed:
            exchange.idempotency_key = exchange.sent.headers.get("idempotency-key")
        if exchange.idempotency_key is not None:
            idempotency.check_key(exchange.idempotency_key)
            exchange.headers["Idempotency-Key"] = exchange.idempotency_key
        return self.carry_out(exchange, tree)

    def again(self, exchange: Exchange, route: Route, values: dict[str, str]) -> Reply | None:
        """What the same request was answered before, if nothing can have changed since; see `tenants/memory.py`.

        Nothing but a request of the API in which all is named here, and which a key opens that cannot expire.
        """
        sent, key, tenant = exchange.sent, exchange.key, exchange.tenant
        assert key is not None and tenant is not None
        if key.account is not None or sent.content or sent.broken or not exchange.path.startswith(STRIPES):
            return None
        named = [sent.headers.get(name) for name in ("stripe-version", "stripe-account", "stripe-context")]
        asked = (exchange.path, sent.query, key, sent.origin, *named)
        memory, is_far = tenant.memory, tenant.stored.is_far
        if not memory.is_known(asked):
            return None
        if is_far and not memory.has(asked):  # the look that has to be taken tells the revision too
            exchange.keep = partial(memory.keep, asked, None)
            return None
        revision = tenant.revision()
        if revision is None:
            return None
        made = memory.recall(asked, revision)
        if made is None:
            if is_far:
                memory.forget(asked)
            else:
                exchange.keep = partial(memory.keep, asked, revision)
            return None
        tenant.let_through("GET", exchange.path)
        exchange.route, exchange.values = route, values
        exchange.named_account, exchange.default_version = made.account, made.version
        if made.account is not None:
            exchange.headers["Stripe-Account"] = made.account
        return Reply(200, made.body)

    def check_account(self, exchange: Exchange) -> None:
        """403 for an account that this tenant cannot act for."""
        assert exchange.tenant and exchange.key and exchange.named_account
        with exchange.tenant.reading(named=exchange.named) as step:
            if not World(step, step.row.platform).may_act(exchange.named_account):
                raise account_invalid(exchange.key.masked, exchange.named_account)

    def admit(self, exchange: Exchange, tree: dict[str, Any]) -> None:
        """Act for the account of a key that has one, by the key's version if that has one.

        ApiError for what it does not open.
        """
        assert exchange.tenant and exchange.key and exchange.key.account and exchange.route
        account = exchange.key.account
        asked = self.cause(exchange, exchange.sent.headers.get("stripe-version"))
        with exchange.tenant.reading(asked, named=exchange.named) as step:
            version = self.catalog.admits[exchange.key.kind](World(step, account), exchange.route, tree)
        if exchange.named_account not in (None, account):
            raise account_invalid(exchange.key.masked, str(exchange.named_account))
        exchange.named_account = account
        if version is not None:
            exchange.sent = exchange.sent._replace(headers={**exchange.sent.headers, "stripe-version": version})

    # Carrying out

    def carry_out(self, exchange: Exchange, tree: dict[str, Any]) -> Reply | Waiting[Reply]:
        """Check the parameters, then run the operation in a step, or repeat what the key was answered with."""
        route = exchange.route
        assert route is not None and exchange.tenant is not None
        mark = idempotency.fingerprint(exchange.path, tree) if exchange.idempotency_key is not None else b""
        try:
            params, expand = exchange.wire.params(route, self.as_newest(exchange, tree))
        except ApiError:
            if exchange.idempotency_key is not None:
                with exchange.tenant.reading(named=exchange.named) as step:
                    repeated = self.repeated(exchange, step, mark)
                    if repeated is not None:
                        return repeated
            raise
        if route.scope == "calls":
            return self.in_calls(exchange, params, mark)
        if route.scope == "tenant":
            result = route.operation(exchange.tenant, params, *exchange.values.values())
            return shown_later(result) if isinstance(result, Generator) else Reply(200, self.as_bytes(result, exchange))
        asked = self.cause(exchange, exchange.sent.headers.get("stripe-version"), params)
        go_on = partial(self.in_step, exchange, asked, params, expand, mark)
        # The control API is spared, or nobody could end them.
        exchange.may_be_struck = exchange.path.startswith(STRIPES)
        try:
            return go_on()
        except FaultsWait:
            exchange.may_be_struck = False
        struck = self.struck(exchange, asked, mark)
        if isinstance(struck, Reply):
            return struck
        return go_on() if struck is None else delayed(struck, go_on)

    def cause(self, exchange: Exchange, version: str | None, params: Mapping[str, Any] = NO_VALUES) -> Request:
        """A request as the cause of steps, judged by an API version."""
        return Request(
            exchange.request_id,
            exchange.idempotency_key,
            exchange.path,
            exchange.values,
            exchange.sent.origin,
            version,
            exchange.key,
            params,
        )

    def in_calls(self, exchange: Exchange, params: dict[str, Any], mark: bytes) -> Waiting[Reply]:
        """An operation that calls others. Its key is marked as running meanwhile, and free again if it is refused, or
        once its process has died.
        """
        assert exchange.route is not None and exchange.tenant is not None
        if exchange.idempotency_key is None:
            return (yield from self.in_calls_now(exchange, params))
        exchange.running = self.running(exchange.request_id)
        try:
            yield Work(exchange.running.take)
            repeated = yield Work(partial(self.remember, exchange, mark, None))
            if repeated is not None:
                return repeated
            try:
                reply = yield from self.in_calls_now(exchange, params)
            except Exception:
                yield Work(partial(self.forget, exchange))
                raise
            exchange.headers["Original-Request"] = exchange.request_id
            exchange.headers["Stripe-Should-Retry"] = "false"
            yield Work(partial(self.remember, exchange, mark, reply))
            return reply
        finally:
            exchange.running.release()

    def in_calls_now(self, exchange: Exchange, params: dict[str, Any]) -> Waiting[Reply]:
        """What the operation comes to."""
        assert exchange.route is not None and exchange.tenant is not None
        caller = Caller(exchange.tenant, exchange.named_account, partial(self.called, exchange))
        result = yield from exchange.route.operation(caller, params, *exchange.values.values())
        return Reply(200, render.encoded(result), ran=True)

    def running(self, request_id: str) -> Lock:
        """What the process holds that carries out a request in several steps; one that dies holds it no more."""
        return self.tenants.database.lock(f"request {request_id}")

    def run_on(self, exchange: Exchange) -> None:
        """Hold it again after we were cut off from the database. 409 where somebody has begun anew meanwhile."""
        assert exchange.running is not None and exchange.tenant is not None and exchange.idempotency_key is not None
        is_ours = exchange.running.take()
        with exchange.tenant.reading(is_settled=True) as step:
            account = exchange.named_account or step.row.platform
            stored = step.replies.find(account, exchange.idempotency_key, step.now)
        if not is_ours or (stored is not None and stored.request_id != exchange.request_id):
            raise key_in_use(exchange.idempotency_key)

    def remember(self, exchange: Exchange, mark: bytes, reply: Reply | None) -> Reply | None:
        """Keep a reply under its request's key; before there is one, that it is running, unless the key has its reply.

        That reply is given back. Whoever has begun anew with the key keeps it.
        """
        assert exchange.tenant is not None and exchange.idempotency_key is not None
        with exchange.tenant.writing(self.cause(exchange, None)) as step:
            if reply is None:
                repeated = self.repeated(exchange, step, mark)
                if repeated is not None:
                    return repeated
            else:
                account = exchange.named_account or step.row.platform
                stored = step.replies.find(account, exchange.idempotency_key, step.now)
                if stored is not None and stored.request_id != exchange.request_id:
                    return None
            self.keep_reply(exchange, step, mark, reply)
            return None

    def forget(self, exchange: Exchange) -> None:
        """Let the key of a refused request be used again."""
        assert exchange.tenant is not None and exchange.idempotency_key is not None
        with exchange.tenant.writing(self.cause(exchange, None)) as step:
            account = exchange.named_account or step.row.platform
            step.replies.forget(account, exchange.idempotency_key, exchange.request_id)

    def called(
        self, exchange: Exchange, account: str | None, verb: str, path: str, params: dict[str, Any]
    ) -> Waiting[dict[str, Any]]:
        """What an operation answers that another one calls, in a step of its own and, if it asks, in two."""
        found = self.catalog.table.find(verb, path)
        assert found is not None and isinstance(found[0], Route) and found[0].scope == "world", f"{verb} {path}"
        if exchange.running is not None and not exchange.running.is_held:
            yield Work(partial(self.run_on, exchange))
        route, values = found
        inner = Exchange(
            exchange.sent,
            verb,
            path,
            exchange.request_id,
            wire_of(path),
            exchange.began,
            key=exchange.key,
            tenant=exchange.tenant,
            named_account=account,
            route=route,
            values=values,
            named=frozenset(values.values()) if verb != "GET" else frozenset(),
        )
        newest = self.catalog.settings["api_version"].default
        version = exchange.sent.headers.get("stripe-version") if verb == "GET" else newest
        typed = route.params.parse(params)
        asked = self.cause(inner, version, typed)
        reply = yield from elsewhere(partial(self.in_step, inner, asked, typed, [], b""))
        if inner.refusal is not None:
            raise inner.refusal
        return orjson.loads(reply.body)

    def in_step(
        self, exchange: Exchange, asked: Request, params: dict[str, Any], expand: list[str], mark: bytes
    ) -> Reply | Waiting[Reply]:
        """The operation in a step of its own, and whatever has to be waited for after it."""
        route = exchange.route
        assert route is not None and exchange.tenant is not None
        if route.verb == "GET":
            with exchange.tenant.reading(asked) as step:
                look_out(exchange, step)
                world = World(step, exchange.named_account or step.row.platform)
                exchange.default_version = world.setting("api_version")
                result = self.performed(world, route, params, expand, exchange)
                assert isinstance(result, bytes), "a reading operation asks nobody"
                if exchange.keep is not None:
                    exchange.keep(result, step, account=exchange.named_account, version=exchange.default_version)
                return Reply(200, result)
        write = partial(self.in_writing_step, exchange, asked, params, expand, mark)
        try:
            reply = without_conflict(partial(write, exchange.named))
        except TooEarly:
            reply = without_conflict(partial(write, ()))
        if isinstance(reply, Question):
            return self.asked(exchange, reply)
        return self.once_passed(exchange, reply) if exchange.lets_pass else reply

    def once_passed(self, exchange: Exchange, reply: Reply) -> Waiting[Reply]:
        """A reply that leaves once the time has passed that its operation lets pass."""
        assert exchange.tenant is not None
        yield Work(partial(exchange.tenant.move_clock, advance=exchange.lets_pass))
        return reply

    def in_writing_step(
        self,
        exchange: Exchange,
        asked: Request,
        params: dict[str, Any],
        expand: list[str],
        mark: bytes,
        named: Collection[str],
    ) -> Reply | Question:
        """The same for an operation that writes. TooEarly when it has to be tried again without anything spared."""
        assert exchange.tenant is not None
        with exchange.tenant.writing(asked, named=named) as step:
            look_out(exchange, step)
            repeated = self.repeated(exchange, step, mark) if exchange.idempotency_key is not None else None
            reply = repeated or self.write(exchange, step, params, expand, mark)
            exchange.hint = " ".join(step.hints) or None
            exchange.lets_pass = step.lets_pass
            return reply

    def struck(self, exchange: Exchange, asked: Request, mark: bytes) -> Reply | float | None:
        """What a fault answers in the operation's place, or how many seconds it has it wait; None when none strikes.

        A request whose key was answered before gets that reply and uses no fault up.
        """
        assert exchange.route is not None and exchange.tenant is not None
        is_keyed = exchange.idempotency_key is not None
        with exchange.tenant.writing(asked, named=exchange.named) as step:
            repeated = self.repeated(exchange, step, mark) if is_keyed else None
            if repeated is not None:
                return repeated
            generator = step.row.generator
            fault = step.faults.take(exchange.route.verb, exchange.path, generator, keyed=is_keyed)
            if fault is None or fault.milliseconds is not None:
                return None if fault is None else fault.wait_seconds(generator)
            if fault.kind == "drop":
                exchange.drops = True
                return None if fault.carried_out else self.refuse(exchange, dropped())
            return self.faulty(exchange, step, fault.refusal(exchange.idempotency_key), mark)

    def faulty(self, exchange: Exchange, step: Step, refusal: ApiError, mark: bytes) -> Reply:
        """The reply of a fault. Of these only a server error counts as an answer of the operation, for v1's keys."""
        world = World(step, exchange.named_account or step.row.platform)
        exchange.default_version = world.setting("api_version")
        reply = self.refuse(exchange, refusal)
        if exchange.idempotency_key is not None and exchange.wire.remembers(refusal):
            exchange.headers["Original-Request"] = exchange.request_id
            self.keep_reply(exchange, step, mark, reply)
        return reply

    def keep_reply(self, exchange: Exchange, step: Step, mark: bytes, reply: Reply | None) -> None:
        """Remember under a request's key what it was answered, or with None that it is running."""
        assert exchange.idempotency_key is not None
        status, body = (reply.status, reply.body) if reply is not None else (None, None)
        step.replies.keep(
            exchange.named_account or step.row.platform,
            exchange.idempotency_key,
            StoredReply(exchange.path, mark, exchange.request_id, step.now, status, body),
        )

    def asked(self, exchange: Exchange, question: Question) -> Waiting[Reply]:
        """Put a question to the client, with nothing locked, and reply with what came of it."""
        assert self.asker is not None and exchange.tenant is not None
        if exchange.idempotency_key is not None:
            exchange.headers["Original-Request"] = exchange.request_id
            exchange.headers["Stripe-Should-Retry"] = "false"
        stored = yield from self.asker.settle(exchange.tenant, Asked(question.event, exchange.request_id))
        assert stored.status is not None and stored.body is not None
        return Reply(stored.status, stored.body, ran=True)

    def as_newest(self, exchange: Exchange, tree: dict[str, Any]) -> dict[str, Any]:
        """What was sent, as a client of the newest version would have sent it."""
        route, version = exchange.route, exchange.sent.headers.get("stripe-version")
        assert route is not None and exchange.tenant is not None
        if not versions.may_differ(route.signature, tree):
            return tree
        if version is None:
            with exchange.tenant.reading(named=exchange.named) as step:
                version = World(step, step.row.platform).version
        return versions.sent(version, route.signature, tree)

    def repeated(self, exchange: Exchange, step: Step, mark: bytes) -> Reply | None:
        """What this request's key was answered with before, or None."""
        assert exchange.idempotency_key is not None
        account = exchange.named_account or step.row.platform
        stored = step.replies.find(account, exchange.idempotency_key, step.now)
        if stored is None or self.is_left(step, account, exchange.idempotency_key, stored):
            return None
        if stored.status is not None:
            exchange.headers["Original-Request"] = stored.request_id
        idempotency.agreed(stored, exchange.idempotency_key, exchange.path, mark)
        assert stored.status is not None and stored.body is not None
        return Reply(stored.status, stored.body, replayed_from=stored.request_id)

    def is_left(self, step: Step, account: str, key: str, stored: StoredReply) -> bool:
        """Whether a request that is said to run is answered by nobody any more: its process has died, and nobody who
        concludes a question of it will answer in its place.
        """
        if stored.status is not None or step.questions.is_awaited(account, key):
            return False
        running = self.running(stored.request_id)
        is_free = running.take()
        running.release()
        return is_free

    def write(
        self, exchange: Exchange, step: Step, params: dict[str, Any], expand: list[str], mark: bytes
    ) -> Reply | Question:
        """Run a writing operation; a keyed refusal undoes the operation and commits only its reply.

        An operation that has to ask the client first leaves its key marked as running.
        """
        assert exchange.route is not None
        world = World(step, exchange.named_account or step.row.platform)
        exchange.default_version = world.setting("api_version")
        keyed = exchange.idempotency_key is not None
        try:
            with step.attempt() if keyed else nullcontext():
                reply = self.attempted(world, exchange, params, expand, mark)
        except ApiError as refusal:
            if step.is_early:
                raise TooEarly from refusal
            if not keyed or not exchange.wire.remembers(refusal):
                raise
            reply = self.refuse(exchange, refusal)
        if isinstance(reply, Question):
            return reply
        if keyed and (exchange.refusal is None or exchange.wire.remembers(exchange.refusal)):
            assert exchange.idempotency_key is not None
            exchange.headers["Original-Request"] = exchange.request_id
            exchange.headers["Stripe-Should-Retry"] = "false"
            self.keep_reply(exchange, step, mark, reply)
        return reply

    def attempted(
        self, world: World, exchange: Exchange, params: dict[str, Any], expand: list[str], mark: bytes
    ) -> Reply | Question:
        """What an operation comes to; a refusal that keeps what was changed is a reply like any other."""
        assert exchange.route is not None
        try:
            result = self.performed(world, exchange.route, params, expand, exchange)
        except ApiError as refusal:
            if world.step.is_early or not refusal.keeps_changes:
                raise
            return self.refuse(exchange, refusal)
        if isinstance(result, Question):
            return self.waiting(exchange, world.step, result, expand, mark)
        return Reply(200, result, ran=True)

    def waiting(self, exchange: Exchange, step: Step, question: Question, expand: list[str], mark: bytes) -> Question:
        """Keep with a question what its request will be answered with, whoever concludes it."""
        assert self.asker is not None
        assert exchange.wire is V1, "what concludes a question answers in v1"
        step.questions.attach(question, step.request, mark, expand)
        if exchange.idempotency_key is not None:
            self.keep_reply(exchange, step, mark, None)
        return question

    def performed(
        self, world: World, route: Route, params: dict[str, Any], expand: list[str], exchange: Exchange
    ) -> bytes | Question:
        """The operation's result as bytes, or the question that comes first."""
        result = route.operation(world, params, *exchange.values.values())
        if isinstance(result, Question):
            return result
        if isinstance(result, Content):
            return self.as_bytes(result, exchange)
        body = exchange.wire.body(world, result, expand, exchange.sent)
        return self.as_bytes(versions.shown(world.version, body), exchange)

    def as_bytes(self, result: Any, exchange: Exchange) -> bytes:
        """Plain values as JSON, content as it is."""
        if isinstance(result, Content):
            exchange.keep = None
            exchange.media_type = result.media_type
            exchange.headers.update(result.headers)
            return result.body
        return render.encoded(result)

    def note(self, exchange: Exchange, line: RequestLine) -> None:
        """Tell whoever waits for a handler of this tenant that the API was called meanwhile."""
        assert exchange.tenant is not None
        if not exchange.path.startswith(STRIPES):
            return
        call = {
            "method": line.method,
            "path": masked(line.path),
            "replayed": exchange.replayed,
            "request": line.request_id,
            "status": line.status,
        }
        exchange.tenant.note(call, time.monotonic() - line.duration_ms / 1000)

    # Replying

    def refuse(self, exchange: Exchange, refusal: ApiError) -> Reply:
        """An error as a reply."""
        exchange.refusal = refusal
        exchange.headers.update(refusal.headers)
        if exchange.sent.is_browsers:  # which would ask for a key, and keep it
            exchange.headers.pop("WWW-Authenticate", None)
        log_url = None
        if exchange.tenant is not None:
            log_url = f"{exchange.sent.origin}/_emulator/requests/{exchange.request_id}"
        return Reply(refusal.status, render.encoded(exchange.wire.refusal(refusal, log_url)))

    def headers_of(self, exchange: Exchange, reply: Reply) -> list[tuple[str, str]]:
        """Everything clients read from a reply's headers, the length aside."""
        headers = {"Content-Type": exchange.media_type, "Cache-Control": "no-cache, no-store"}
        if exchange.method == "OPTIONS" or "origin" in exchange.sent.headers:
            headers.update(FOR_BROWSERS)
        headers["Request-Id"] = exchange.request_id
        version = exchange.sent.headers.get("stripe-version")
        if version is not None and keys.is_version(version) and version.isprintable():
            headers["Stripe-Version"] = version
        elif exchange.tenant is not None:
            headers["Stripe-Version"] = exchange.default_version or self.catalog.settings["api_version"].default
        headers.update(exchange.headers)
        if reply.replayed_from is not None:
            headers["Idempotent-Replayed"] = "true"
        return list(headers.items())

    def line(self, exchange: Exchange, reply: Reply, duration_ms: float) -> RequestLine:
        """What the console says of this request."""
        refusal = exchange.refusal
        reason = None
        if refusal is not None:
            reason = refusal.message
        elif reply.status >= 400:
            reason = "the stored refusal of this key" if reply.replayed_from else "an unknown error occurred"
        ended_ns = time.time_ns()
        return RequestLine(
            exchange.request_id,
            exchange.method,
            exchange.path,
            reply.status,
            exchange.route.name if exchange.route else "-",
            reason,
            exchange.named_account,
            duration_ms,
            exchange.tenant.known_name if exchange.tenant else None,
            exchange.sent.headers.get("user-agent", ""),
            exchange.wire.told(refusal) if refusal else None,
            ended_ns // 1_000_000_000,
            exchange.tenant.handle if exchange.tenant else None,
            exchange.sent.headers.get("stripe-version") or exchange.default_version,
            exchange.sent.headers.get("idempotency-key"),
            exchange.sent.ip_address,
            REPLY_LOST if exchange.drops and reply.status != LOST else exchange.hint,
            self.recorded(exchange, reply),
            (ended_ns - int(duration_ms * 1_000_000)) // 1_000_000,
            ended_ns // 1_000_000,
            exchange.replayed,
        )

    def recorded(self, exchange: Exchange, reply: Reply) -> Recorded | None:
        """What was sent and answered, where the world has that kept."""
        row = exchange.tenant.row if exchange.tenant is not None else None
        if row is None or not row.settings.get(RECORD):
            return None
        try:
            tree = exchange.tree if exchange.tree is not None else exchange.wire.tree(exchange.sent)
        except ApiError:  # nobody can say what it was, and that was the answer
            tree = {}
        return Recorded(time_of(row), exchange.key.kind if exchange.key else None, tree, reply.body)


def without_conflict(step: Callable[[], Reply | Question]) -> Reply | Question:
    """A whole step, taken again where somebody else changed the same at the same moment: nothing of it was done."""
    for _ in range(MOST_CONFLICTS):
        with suppress(Conflict):
            return step()
    return step()


def came_too_late(exchange: Exchange, failure: Exception) -> bool:
    """Whether a request met a world that had been deleted by another process, before anything of it was done there.

    One that somebody has made again by now looks as if it had been replaced.
    """
    if not isinstance(failure, WorldGone) or exchange.tenant is None or exchange.default_version is not None:
        return False
    return exchange.tenant.is_lost() or not exchange.tenant.is_deleted


def look_out(exchange: Exchange, step: Step) -> None:
    """FaultsWait where one may strike this request. Nothing has been done yet, and nothing is."""
    if exchange.may_be_struck and step.row.faults:
        raise FaultsWait


def shown_later(waiting: Waiting[dict[str, Any]]) -> Waiting[Reply]:
    """What an operation that waits comes to, as a reply."""
    return Reply(200, render.encoded((yield from waiting)))


def delayed(seconds: float, go_on: Callable[[], Reply | Waiting[Reply]]) -> Waiting[Reply]:
    """A request that is carried out after some seconds."""
    yield Wait(Alarm(), seconds)
    return (yield from elsewhere(go_on))
