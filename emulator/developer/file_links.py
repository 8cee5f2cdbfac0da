"""File links: addresses of files, for people without a key. They can be given an end, by the tenant's clock.

Source: https://docs.stripe.com/api/file_links and https://docs.stripe.com/file-upload#download-file-contents
"""

from __future__ import annotations

from typing import Any

from emulator.developer import files
from emulator.developer.file_link import PATH, FileLink, check, check_end, linked
from emulator.developer.files import File
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Boolean,
    Enum,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    Timestamp,
    merged_metadata,
)
from emulator.kernel.records import replace
from emulator.kernel.render import Content
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.tenants import Tenants
from emulator.kernel.world import World

NOW = "now"
# What somebody has uploaded is shown on an address of ours, and runs nothing there.
HARMLESS = {"Content-Security-Policy": "script-src 'none'", "X-Content-Type-Options": "nosniff"}


class End(Timestamp, Enum):
    """When a link ends: a time, or the word `now`; an empty text for never."""

    def __init__(self) -> None:
        super().__init__(values=(NOW,), unset=True)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return NOW if value == NOW else super()._deserialize(value, attr, data, **kwargs)


class CreateParams(Params):
    """A link to a file."""

    expires_at = Timestamp()
    file = String(required=True)
    metadata = Metadata()


class UpdateParams(Params):
    """What can change while the link works."""

    expires_at = End()
    metadata = Metadata()


class FileLinkListParams(ListParams):
    """Filters of the list."""

    created = Range()
    expired = Boolean()
    file = String()


def create(world: World, params: dict[str, Any]) -> FileLink:
    """Make a link to a file. 400 for a file whose purpose cannot be shared, and for an end that has passed."""
    file = world.get(File, params["file"], param="file")
    check(world, file.purpose, params, param="file")
    return linked(world, file.id, params)


def update(world: World, params: dict[str, Any], id: str) -> FileLink:
    """Change when a link ends, or its metadata. 400 once it has ended."""
    link = world.get(FileLink, id)
    if link.is_expired(world):
        raise invalid("This file link has expired. Expired links can no longer be updated.")
    expires_at = params.get("expires_at", link.expires_at)
    if expires_at == NOW:
        expires_at = world.now
    elif "expires_at" in params:
        check_end(world, expires_at, "expires_at")
    return world.put(replace(link, expires_at=expires_at, metadata=merged_metadata(link.metadata, params)))


def narrow(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """The links that work, or those that do so no more, where only some are asked for."""
    expired = params.pop("expired", None)
    return [] if expired is None else [Condition("ends_at", "lte" if expired else "gt", world.now)]


def download(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The file behind a link, for whoever has it. 404 for a link that has ended, and where there is none."""
    named = tenants.named_by(token)
    if named is None:
        raise no_link()
    tenant, id = named
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        found = world.anywhere(FileLink, id)
        if found is None or found[1].is_expired(world):
            raise no_link()
        owner = world.as_account(found[0])
        file = owner.find(File, found[1].file)
        if file is None:
            raise no_link()
        return files.contents(owner, {}, file.id)._replace(headers=HARMLESS)


def no_link() -> ApiError:
    """404 for an address that leads nowhere, or does so no more."""
    return ApiError(404, "There is no file at this address, or the link to it has expired.")


ROUTES = [
    POST("/v1/file_links", create, CreateParams),
    GET("/v1/file_links", lists(FileLink, narrow=narrow), FileLinkListParams),
    GET("/v1/file_links/{link}", retrieves(FileLink)),
    POST("/v1/file_links/{link}", update, UpdateParams),
    GET(PATH + "{token}", download, scope="server"),
]
