"""The log of answered requests: the newest of a tenant, or one by the id in its `Request-Id` header.

A refusal's `request_log_url` points here.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.conditions import Condition, matching
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.lists import DEFAULT_PAGE, LARGEST_PAGE, listed
from emulator.kernel.params import Boolean, Enum, ListParams, Range, String
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenant


class RequestListParams(ListParams):
    """Filters of the log. `path` may end in `*`; `status` is one (`404`) or a class (`4xx`).

    `unowned` lists what belongs to no tenant instead: requests without a key, or with one that opens nothing.
    """

    account = String()
    created = Range()
    method = Enum(("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"))
    operation = String()
    path = String()
    status = String(
        pattern="[1-5]([0-9][0-9]|xx)", says="Invalid status: a number such as 404, or 4xx for all of its class"
    )
    unowned = Boolean()


def requests(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Answered requests, newest first. 400 for a cursor that the log does not know, or no longer."""
    log = tenant.tenants.request_log
    log.flush()
    handle = None if params.get("unowned") else tenant.handle
    limit = min(max(params.get("limit", DEFAULT_PAGE), 1), LARGEST_PAGE)
    if "starting_after" in params and "ending_before" in params:
        raise invalid("Received both starting_after and ending_before parameters. Please pass in only one.")
    conditions = list(conditions_of(params))
    for cursor, operator in (("starting_after", "lt"), ("ending_before", "gt")):
        if cursor in params:
            place = log.find(handle, params[cursor])
            if place is None:
                raise no_such("request", params[cursor], param=cursor, status=400)
            conditions.append(Condition("sequence", operator, place.sequence))
    backwards = "ending_before" in params
    found = log.select(handle, conditions, limit=limit + 1, oldest_first=backwards)
    shown = found[:limit]
    if backwards:
        shown.reverse()
    data = [one.render(in_list=True) for one in shown]
    return listed(data, "/_emulator/requests", has_more=len(found) > limit)


def conditions_of(params: dict[str, Any]) -> list[Condition]:
    """The filters as comparisons."""
    conditions = [Condition(name, "eq", params[name]) for name in ("account", "method", "operation") if name in params]
    conditions += [Condition("created", bound, limit) for bound, limit in params.get("created", {}).items()]
    path, status = params.get("path"), params.get("status")
    if path is not None:
        conditions.append(matching("path", path))
    if status is not None and status.endswith("xx"):
        lowest = int(status[0]) * 100
        conditions += [Condition("status", "gte", lowest), Condition("status", "lt", lowest + 100)]
    elif status is not None:
        conditions.append(Condition("status", "eq", int(status)))
    return conditions


def request(tenant: Tenant, params: dict[str, Any], id: str) -> dict[str, Any]:
    """One answered request. 404 when the log has none of that id, or no longer."""
    log = tenant.tenants.request_log
    log.flush()
    found: LoggedRequest | None = log.find(tenant.handle, id)
    if found is None:
        raise no_such("request", id, param="id")
    return found.render()


ROUTES = [
    GET("/_emulator/requests", requests, RequestListParams, scope="tenant"),
    GET("/_emulator/requests/{id}", request, scope="tenant"),
]
