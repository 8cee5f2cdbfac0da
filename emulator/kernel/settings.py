"""A tenant's settings: what each is called, what it starts as, and what it may be set to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from marshmallow import fields

from emulator.data.api_versions import DEFAULT
from emulator.kernel import off_limits, rates
from emulator.kernel.params import Boolean, Enum, Integer, Params, String, complain, shown
from emulator.kernel.versions import is_version

RECORD = "record_requests"


class Setting(NamedTuple):
    """One switch of a tenant. `kind` is the parameter field that reads it from a request.

    One that `founds` the world decides what the world begins with, so it is set before anything is made in it.
    """

    name: str
    default: Any
    kind: fields.Field
    says: str
    founds: bool = False


class Version(String):
    """A version that Stripe has had, or could publish tomorrow."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        version = super()._deserialize(value, attr, data, **kwargs)
        if not is_version(version):
            raise complain(f"Invalid Stripe API version: {shown(version)}")
        return version


KERNEL_SETTINGS = (
    Setting(
        "api_version",
        DEFAULT,
        Version(),
        "The account's default version: for requests that name none, and for the events of endpoints that have none.",
    ),
    Setting(
        "webhook_timeout_ms",
        20_000,
        Integer(minimum=1),
        "How long a webhook endpoint may take to answer, in real time.",
    ),
    Setting("webhook_retries", True, Boolean(), "Whether a delivery that failed is tried again."),
    Setting(
        off_limits.SETTING,
        False,
        Boolean(),
        "Whether webhooks may go to link-local addresses and to those at which clouds tell machines their secrets.",
    ),
    Setting("freeze_asks", False, Boolean(), "Whether questions to the client wait without limit, for a debugger."),
    Setting(
        rates.SETTING,
        False,
        Boolean(),
        "Whether requests beyond the published rate limits of a sandbox are refused with 429, in real time; of several "
        "servers on one database each counts for itself.",
    ),
    Setting(
        RECORD,
        False,
        Boolean(),
        "Whether what is sent and answered is kept with each request, to be shown and recorded as a test; keys, "
        "secrets and card numbers are left out.",
    ),
)


def choice(name: str, default: str, values: Sequence[str], says: str, *, founds: bool = False) -> Setting:
    """A setting that is one of some words."""
    return Setting(name, default, Enum(values), says, founds)


def switch(name: str, default: bool, says: str) -> Setting:
    """A setting that is on or off."""
    return Setting(name, default, Boolean(), says)


def number(name: str, default: int, says: str, *, minimum: int = 0) -> Setting:
    """A setting that counts something; the unit is in its name."""
    return Setting(name, default, Integer(minimum=minimum), says)


def schema_of(settings: Sequence[Setting]) -> type[Params]:
    """The parameter schema that sets any of these; an empty value unsets."""
    for setting in settings:
        setting.kind.unset = True  # type: ignore[attr-defined]
    return type("SettingsParams", (Params,), {setting.name: setting.kind for setting in settings})  # type: ignore[return-value]


class AnySetting(Params):
    """Stands in a route for the schema of all settings, which only the catalog knows."""
