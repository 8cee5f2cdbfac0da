"""A world as a whole, kept and brought back: snapshots by name, forks into other keys, export and import as one file.

    POST   /_emulator/snapshots name=…            keep it as it is now
    GET    /_emulator/snapshots                   those there are; they outlive their world
    POST   /_emulator/snapshots/{name}/restore    have it be again what it was
    DELETE /_emulator/snapshots/{name}
    POST   /_emulator/fork key=sk_test_…          another world that is as this one is
    GET    /_emulator/world/export                one file, a SQLite database; its `user_version` is the format's
    POST   /_emulator/world/import file=@…        have it be that of a file; older formats are brought up to date

What is carried into a copy and what is not stands in `kernel/tenants/copies.py`.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import invalid, no_such
from emulator.kernel.lists import listed
from emulator.kernel.params import Boolean, Param, Params, String
from emulator.kernel.render import Content
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.tenants import Tenant, copies
from emulator.kernel.tenants.copies import START, NoWorld, Placed, Snapshot
from emulator.kernel.uploads import Upload

PATH = "/_emulator/snapshots"


class SnapshotParams(Params):
    """What to call it, and what it is; `replace` puts it in the place of an earlier one of that name."""

    about = String(max_length=500)
    name = String(
        required=True,
        max_length=100,
        pattern=r"[^/\x00-\x1f]+",
        says="Invalid name: it is not empty, and has no slash.",
    )
    replace = Boolean()


class ForkParams(Params):
    """The key of the other world; `replace` puts it in the place of what is there."""

    key = String(required=True, pattern=r"(sk|rk)_test_\S+", says="Invalid key: a test key such as sk_test_other.")
    replace = Boolean()


class ImportParams(Params):
    """The file, as a part of a multipart form."""

    file = Param(required=True)


def take(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Keep the world as it is now. 400 where there is a snapshot of that name, unless it is to be replaced."""
    name = params["name"]
    if not params.get("replace") and copies.snapshot(tenant, name) is not None:
        raise invalid(
            f"There is a snapshot '{name}' already. Send replace=true to put this one in its place.", param="name"
        )
    return shown(copies.take(tenant, name, params.get("about", "")))


def kept(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """The snapshots of this key, the newest first. They are there although the world has been deleted."""
    return listed([shown(one) for one in copies.snapshots(tenant)], PATH)


def restore(tenant: Tenant, params: dict[str, Any], name: str) -> dict[str, Any]:
    """Have the world be again what it was; what waits in the present one goes. 404 where there is no such snapshot."""
    placed = copies.restore(tenant, name)
    if placed is None:
        raise no_such("snapshot", name, param="name")
    return in_place(placed)


def forget(tenant: Tenant, params: dict[str, Any], name: str) -> dict[str, Any]:
    """Delete a snapshot. 404 where there is none of that name."""
    if not copies.forget(tenant, name):
        raise no_such("snapshot", name, param="name")
    return {"object": "emulator.snapshot", "deleted": True, "name": name}


def fork(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Make the world of another key as this one is. 400 where that has a world already, unless it is to be replaced."""
    other = params["key"].split("_", 2)[2]
    if other == tenant.name:
        raise invalid("A world cannot be forked into itself: give another key.", param="key")
    if not params.get("replace") and tenant.tenants.has(other):
        raise invalid(
            "There is a world of this key already. Send replace=true to put the fork in its place.", param="key"
        )
    return in_place(copies.fork(tenant, other))


def export(tenant: Tenant, params: dict[str, Any]) -> Content:
    """The world as one file, a SQLite database: everything but the request log, secrets of webhooks included."""
    named = {"Content-Disposition": f'attachment; filename="{copies.FILE}"'}
    return Content(copies.exported(tenant, ""), copies.MEDIA_TYPE, named)


def take_in(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Have the world be that of a file. 400 for a file that holds none, and for one of a newer format."""
    file = params["file"]
    if not isinstance(file, Upload):
        raise invalid(
            f"Invalid file: send it as a part of a multipart form (curl -F file=@{copies.FILE}).", param="file"
        )
    try:
        return in_place(copies.imported(tenant, file.content))
    except NoWorld as reason:
        raise invalid(f"The file {file.filename} is no world of this emulator: {reason}.", param="file") from None


def reset_to_start(tenant: Tenant) -> dict[str, Any]:
    """Have the world be again what it was when it had been seeded. 400 where nobody has kept that."""
    placed = copies.restore(tenant, START)
    if placed is None:
        raise invalid(
            f"Nothing was kept to start from: a snapshot called '{START}' is, and `stripe-emulator seed` takes it.",
            param="to",
        )
    return in_place(placed)


def in_place(placed: Placed) -> dict[str, Any]:
    """A world that has just taken the place of another."""
    return {"object": "emulator.world", **placed._asdict()}


def shown(one: Snapshot) -> dict[str, Any]:
    """One snapshot. `created` is real time, `now` what its clock shows, `size` bytes."""
    members = one._asdict()
    return {"object": "emulator.snapshot", "created": members.pop("taken"), **members, "about": one.about or None}


ROUTES = [
    GET(PATH, kept, scope="tenant"),
    POST(PATH, take, SnapshotParams, scope="tenant"),
    POST(f"{PATH}/{{name}}/restore", restore, scope="tenant"),
    DELETE(f"{PATH}/{{name}}", forget, scope="tenant"),
    POST("/_emulator/fork", fork, ForkParams, scope="tenant"),
    GET("/_emulator/world/export", export, scope="tenant"),
    POST("/_emulator/world/import", take_in, ImportParams, scope="tenant"),
]
