"""Files: evidence, identity documents, logos. Uploaded once, never changed, gone from the API when they expire.

Clients send uploads to a host of their own (`files.stripe.com`); here that is this same server.
Source: https://docs.stripe.com/api/files and https://docs.stripe.com/file-upload
"""

from __future__ import annotations

import base64
import re
from typing import Any, NamedTuple

from emulator.developer.file_link import FileLink, check, linked
from emulator.kernel.conditions import Condition
from emulator.kernel.dates import DAY
from emulator.kernel.errors import invalid
from emulator.kernel.lists import listed, lists
from emulator.kernel.params import (
    Boolean,
    Enum,
    Hash,
    ListParams,
    Metadata,
    Param,
    Params,
    Range,
    Timestamp,
)
from emulator.kernel.records import record
from emulator.kernel.render import Content
from emulator.kernel.routes import GET, POST
from emulator.kernel.uploads import Upload
from emulator.kernel.world import World

KB, MB = 1024, 1024 * 1024
LINKS_SHOWN = 10


class Purpose(NamedTuple):
    """What Stripe says of the files of a purpose: how large they may be, and how long they are kept."""

    most_bytes: int = 16 * MB
    kept_seconds: int | None = None


PURPOSES = {
    "account_requirement": Purpose(64 * MB),
    "additional_verification": Purpose(),
    "business_icon": Purpose(512 * KB),
    "business_logo": Purpose(512 * KB),
    "customer_signature": Purpose(4 * MB, 7 * DAY),
    "dispute_evidence": Purpose(5 * MB, 270 * DAY),
    "identity_document": Purpose(32 * MB),
    "issuing_regulatory_reporting": Purpose(256 * KB, 2 * 365 * DAY),
    "pci_document": Purpose(),
    "platform_terms_of_service": Purpose(64 * MB),
    "tax_document_user_upload": Purpose(),
    "terminal_android_apk": Purpose(64 * MB),
    "terminal_reader_splashscreen": Purpose(),
    "terminal_wifi_certificate": Purpose(),
    "terminal_wifi_private_key": Purpose(),
}
# Personalization designs demand a purpose that the published list lacks.
LOGO_PURPOSE = "issuing_logo"
LIST_PURPOSES = (
    "account_requirement",
    "additional_verification",
    "business_icon",
    "business_logo",
    "customer_signature",
    "dispute_evidence",
    "document_provider_identity_document",
    "finance_report_run",
    "financial_account_statement",
    "identity_document",
    "identity_document_downloadable",
    "issuing_regulatory_reporting",
    "pci_document",
    "platform_terms_of_service",
    "selfie",
    "sigma_scheduled_query",
    "tax_document_user_upload",
    "terminal_android_apk",
    "terminal_reader_splashscreen",
    "terminal_wifi_certificate",
    "terminal_wifi_private_key",
)
# How files of a type begin, and what they are served as.
SIGNATURES = {
    b"%PDF": "pdf",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
}
MEDIA_TYPES = {
    "csv": "text/csv",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "json": "application/json",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Ids that stand for identity documents which pass or fail verification; every account has them.
# Source: https://docs.stripe.com/connect/testing
TEST_DOCUMENTS = ("file_identity_document_success", "file_identity_document_failure")


@record(
    "file",
    prefix="file",
    noun="file",
    filters=("purpose", "gone_at"),
    unindexed=("gone_at",),  # nearly all are there still
    embeds=("links",),
)
class File:
    """An uploaded file without its content. `size` in bytes."""

    id: str
    created: int
    expires_at: int | None
    filename: str
    purpose: str
    size: int
    type: str | None
    title: str | None = None

    @property
    def gone_at(self) -> int:
        """When the file stops being there, in unix seconds; far away for one that is kept."""
        return 2**62 if self.expires_at is None else self.expires_at

    @classmethod
    def look_up(cls, world: World, id: str) -> tuple[str, File] | None:
        """The owning account and the file; the documents for tests belong to whoever asks."""
        if id in TEST_DOCUMENTS:
            return world.account, cls(id, 0, None, f"{id}.png", "identity_document", len(PIXEL), "png")
        found = world.stored(cls, id)
        return found if found is not None and found[1].gone_at > world.now else None

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API, which has neither `livemode` nor metadata. Of many links it shows the newest."""
        found = [world.render(link) for link in world.all(FileLink, file=self.id)]
        links = listed(found[:LINKS_SHOWN], f"/v1/file_links?file={self.id}", has_more=len(found) > LINKS_SHOWN)
        url = world.url(f"/v1/files/{self.id}/contents")
        return {**self.__dict__, "object": self.object, "links": links, "url": url}


# What the documents for tests hold: a transparent pixel.
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR4nGNgAAIAAAUAAXpeqz8AAAAASUVORK5CYII=")


@record("emulator.file_content", prefix="content", noun="file content", has_list=False)
class FileContent:
    """The bytes of a file, in base64. Apart from the file, so that lists need not carry them."""

    id: str
    created: int
    base64: str

    def render(self, world: World) -> dict[str, Any]:
        """Nothing shows this but the download."""
        return {"id": self.id, "object": self.object}


class FileLinkDataParams(Params):
    """A link to be made along with the file."""

    create = Boolean(required=True)
    expires_at = Timestamp()
    metadata = Metadata()


class CreateParams(Params):
    """A file and what it is for."""

    file = Param(required=True)
    file_link_data = Hash(FileLinkDataParams)
    purpose = Enum(tuple(PURPOSES), accepts=(LOGO_PURPOSE,), required=True)


class FileListParams(ListParams):
    """Filters of the list."""

    created = Range()
    purpose = Enum(LIST_PURPOSES, accepts=(LOGO_PURPOSE,))


def create(world: World, params: dict[str, Any]) -> File:
    """Keep an uploaded file, and make a link to it if asked.

    400 for a text in its place, an empty file, one larger than its purpose allows, or a purpose that cannot be shared.
    File formats are not checked against the purpose (our ruling): test suites upload what they have at hand.
    """
    upload = params["file"]
    if not isinstance(upload, Upload):
        raise invalid("Invalid file: a file must be sent as a part of a multipart/form-data request.", param="file")
    purpose = PURPOSES.get(params["purpose"], Purpose(512 * KB))
    size = len(upload.content)
    if size == 0:
        raise invalid("The file you uploaded is empty.", param="file")
    if size > purpose.most_bytes:
        raise invalid(
            f"The file you uploaded is too large: files with the purpose {params['purpose']} can have up to "
            f"{purpose.most_bytes} bytes, but yours has {size}.",
            param="file",
        )
    link = params.get("file_link_data", {})
    if link.get("create"):
        check(world, params["purpose"], link, param="purpose", within="file_link_data")

    file = File(
        id=world.new_id(File.prefix),
        created=world.now,
        expires_at=None if purpose.kept_seconds is None else world.now + purpose.kept_seconds,
        filename=name_of(upload.filename),
        purpose=params["purpose"],
        size=size,
        type=type_of(upload),
    )
    world.put(FileContent(content_id(file.id), world.now, base64.b64encode(upload.content).decode()))
    world.put(file)
    if link.get("create"):
        linked(world, file.id, link)
    world.emit("file.created", file)
    return file


def retrieve(world: World, params: dict[str, Any], id: str) -> File:
    """Read one file. 404 when the account has none of that id, or it has expired."""
    return world.get(File, id)


def contents(world: World, params: dict[str, Any], id: str) -> Content:
    """The file itself, as its `url` gives it. 404 when the account has no such file."""
    file = world.get(File, id)
    media_type = MEDIA_TYPES.get(file.type or "", "application/octet-stream")
    if file.id in TEST_DOCUMENTS:
        return Content(PIXEL, media_type)
    return Content(base64.b64decode(world.get(FileContent, content_id(file.id)).base64), media_type)


def narrow(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """Only what has not expired."""
    return [Condition("gone_at", "gt", world.now)]


def of_purpose(world: World, id: str, purpose: str, *, param: str) -> File:
    """The file that a parameter names. 400 for an unknown one, and for one that was uploaded for another purpose."""
    file = world.get(File, id, param=param)
    if file.purpose != purpose:
        raise invalid(
            f"The file '{id}' cannot be used here: its purpose is {file.purpose}, and {purpose} is needed.", param=param
        )
    return file


def name_of(path: str) -> str:
    """A file's name without the way to it, which some clients send too, and without what no name has."""
    name = "".join(filter(str.isprintable, re.split(r"[/\\]", path)[-1]))
    return "blob" if name in ("", ".", "..") else name


def type_of(upload: Upload) -> str | None:
    """The type by how the content begins, else by the ending of the file's name, else None."""
    for beginning, kind in SIGNATURES.items():
        if upload.content.startswith(beginning):
            return kind
    ending = upload.filename.rpartition(".")[2].lower()
    ending = {"jpeg": "jpg", "markdown": "md"}.get(ending, ending)
    return ending if ending in MEDIA_TYPES else None


def content_id(file: str) -> str:
    """Where the bytes of a file lie."""
    return f"{FileContent.prefix}_{file}"


RECORDS = (File, FileContent)
ROUTES = [
    POST("/v1/files", create, CreateParams, publishable=True),
    GET("/v1/files", lists(File, narrow=narrow), FileListParams),
    GET("/v1/files/{file}", retrieve),
    GET("/v1/files/{file}/contents", contents),
]
