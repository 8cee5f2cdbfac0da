"""Parameters that Stripe knows and this emulator does nothing with: sent, they are refused as not built, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.kernel.errors import ApiError, unbuilt


def refuse(params: dict[str, Any], names: Mapping[str, str]) -> None:
    """501 for the first of these parameters that was sent; `names` says what each of them would need."""
    for name, what in names.items():
        if name in params:
            raise not_built(what, param=name)


def not_built(what: str, *, param: str | None = None) -> ApiError:
    """501 for what this emulator does not have."""
    return unbuilt(f"This emulator does not have {what}.", param=param)
