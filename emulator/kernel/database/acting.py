"""Which accounts can be acted for."""

from __future__ import annotations

from emulator.kernel.database.face import Session


class ActingAccounts:
    """The accounts of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def let(self, account: str, is_open: bool) -> None:
        """Let an account act from now on, or no more."""
        self.session.put("acting_account", ("id",), id=account, is_open=int(is_open))

    def may(self, account: str) -> bool:
        """Whether an account of this tenant can be acted for."""
        row = self.session.one("SELECT is_open FROM acting_account WHERE id = :id", id=account)
        return row is not None and row[0] == 1
