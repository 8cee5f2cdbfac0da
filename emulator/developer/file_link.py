"""A link to a file, as it is kept and shown: an address at which anybody can download the file, without a key.

Source: https://docs.stripe.com/api/file_links/object
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.kernel.errors import invalid
from emulator.kernel.params import merged_metadata
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.tenants import token_of
from emulator.kernel.world import World

# Files of these purposes may be shared; of others, such as identity documents, nobody gets a link.
# Source: https://docs.stripe.com/api/file_links/create
SHAREABLE = (
    "business_icon",
    "business_logo",
    "customer_signature",
    "dispute_evidence",
    "finance_report_run",
    "financial_account_statement",
    "identity_document_downloadable",
    "issuing_regulatory_reporting",
    "pci_document",
    "selfie",
    "sigma_scheduled_query",
    "tax_document_user_upload",
    "terminal_android_apk",
    "terminal_reader_splashscreen",
)
PATH = "/links/"


@record(
    "file_link",
    prefix="link",
    noun="file link",
    filters=("ends_at", "file"),
    unindexed=("ends_at",),  # nearly all work still
    expands=("file",),
)
class FileLink:
    """A link. `expires_at` in unix seconds; None for one that stays."""

    id: str
    created: int
    file: str
    expires_at: int | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def ends_at(self) -> int:
        """When the link stops working, in unix seconds; far away for one that stays."""
        return 2**62 if self.expires_at is None else self.expires_at

    def is_expired(self, world: World) -> bool:
        """Whether the link works no more."""
        return self.ends_at <= world.now

    def render(self, world: World) -> dict[str, Any]:
        """The link as the API shows it; its address names the world, since it is opened without a key."""
        return shown(self, expired=self.is_expired(world), url=world.url(PATH + token_of(world, self.id)))


def check(world: World, purpose: str, params: dict[str, Any], *, param: str, within: str = "") -> None:
    """400 for a purpose that cannot be shared, which `param` is blamed for, and for an end that has passed."""
    if purpose not in SHAREABLE:
        raise invalid(
            f"Files with the purpose {purpose} cannot be shared by a link. The purpose must be one of "
            f"{', '.join(SHAREABLE)}.",
            param=param,
        )
    check_end(world, params.get("expires_at"), f"{within}[expires_at]" if within else "expires_at")
    merged_metadata({}, params)


def check_end(world: World, expires_at: int | None, param: str) -> None:
    """400 for an end that has passed."""
    if expires_at is not None and expires_at <= world.now:
        raise invalid(f"The link must expire in the future: {expires_at} has passed.", param=param)


def linked(world: World, file: str, params: dict[str, Any]) -> FileLink:
    """A new link to a file, once `check` has found nothing."""
    return world.put(
        FileLink(
            id=world.new_id(FileLink.prefix),
            created=world.now,
            file=file,
            expires_at=params.get("expires_at"),
            metadata=merged_metadata({}, params),
        )
    )


RECORDS = (FileLink,)
