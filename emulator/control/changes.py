"""What changed: between two snapshots, since one, or since a request.

    GET /_emulator/changes?since=before             from a snapshot to the world as it is now
    GET /_emulator/changes?since=before&until=after between two snapshots
    GET /_emulator/changes?since_request=req_…      what events have told since those of a request

Snapshots are compared object by object, as they are kept; secrets are left out.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import exclusive, invalid, missing, no_such
from emulator.kernel.events import Event, differences
from emulator.kernel.params import Params, String
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenant, copies
from emulator.kernel.tenants.copies import Contents


class ChangesParams(Params):
    """From which snapshot to which, or since which request; until now where nothing else is said."""

    since = String()
    since_request = String()
    until = String()


def changes(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """What is new, gone and different, object by object, and what the books gained. 400 for no such snapshot.

    Since a request it is what events have told of: members that no event tells of are not among them.
    """
    if "since_request" in params:
        if "since" in params:
            raise exclusive("since", "since_request")
        if "until" in params:
            raise invalid("until is for snapshots; what has changed since a request, has until now.", param="until")
        return since_request(tenant, params["since_request"])
    if "since" not in params:
        raise missing("since")
    before = found(tenant, params["since"], "since")
    after = found(tenant, params["until"], "until") if "until" in params else copies.contents(tenant, None)
    assert after is not None, "the world itself is there"
    return between(before, after, params["since"], params.get("until"))


def found(tenant: Tenant, name: str, param: str) -> Contents:
    """What a snapshot has."""
    contents = copies.contents(tenant, name)
    if contents is None:
        raise no_such("snapshot", name, param=param, status=400)
    return contents


def between(before: Contents, after: Contents, since: str, until: str | None) -> dict[str, Any]:
    """How two moments differ. Pure."""
    created = [named(id, *after.objects[id][:2]) for id in after.objects if id not in before.objects]
    deleted = [named(id, *before.objects[id][:2]) for id in before.objects if id not in after.objects]
    changed = []
    for id, (object, account, members) in after.objects.items():
        if id in before.objects and before.objects[id][2] != members:
            was = differences(before.objects[id][2], members)
            rows = [{"member": name, "from": old, "to": members.get(name)} for name, old in was.items()]
            changed.append({**named(id, object, account), "changed": rows})
    books = [
        {"book": book, "from": before.books.get(book, 0), "to": after.books.get(book, 0)}
        for book in sorted(before.books.keys() | after.books.keys())
        if before.books.get(book, 0) != after.books.get(book, 0)
    ]
    return {
        "object": "emulator.changes",
        "books": books,
        "changed": changed,
        "created": created,
        "deleted": deleted,
        "since": since,
        "until": until,
    }


def named(id: str, object: str, account: str) -> dict[str, Any]:
    """Which object is meant."""
    return {"id": id, "object": object, "account": account}


def since_request(tenant: Tenant, id: str) -> dict[str, Any]:
    """What events have told since the last one of a request. 400 for one that no event tells of."""
    with tenant.reading() as step:
        happened = step.happened.arrived(0, 2**31)
    places = [place for place, (_, event) in enumerate(happened) if event.request["id"] == id]
    if not places:
        raise invalid(f"No event tells of the request '{id}'.", param="since_request")
    later = happened[places[-1] + 1 :]
    objects: dict[str, dict[str, Any]] = {}
    for account, event in later:
        about = event.about
        if about is not None:
            one = objects.setdefault(about, {**named(about, event.data["object"]["object"], account), "events": []})
            one["events"].append(event.type)
            one["changed"] = merged(one.get("changed", []), event)
    created = [one for one in objects.values() if one["events"][0].endswith(".created")]
    deleted = [one for one in objects.values() if one["events"][-1].endswith(".deleted")]
    changed = [one for one in objects.values() if one not in created and one not in deleted]
    return {
        "object": "emulator.changes",
        "books": None,
        "changed": changed,
        "created": created,
        "deleted": deleted,
        "since": id,
        "until": None,
    }


def merged(rows: list[dict[str, Any]], event: Event) -> list[dict[str, Any]]:
    """Changes of an object with those of one more event: what each member was at first, and what it is now."""
    first = {row["member"]: row["from"] for row in rows}
    now = {row["member"]: row["to"] for row in rows}
    for name, before in event.data.get("previous_attributes", {}).items():
        first.setdefault(name, before)
        now[name] = event.data["object"].get(name)
    return [{"member": name, "from": first[name], "to": now[name]} for name in first if first[name] != now[name]]


ROUTES = [GET("/_emulator/changes", changes, ChangesParams, scope="tenant")]
