"""A switch: how the next transfer or payment of a financial account, or of any, ends, whatever its bank would do.

Banks fail and return for more reasons than the test numbers have. What is asked for here is used up by the next one of
its kind that is made and that a bank carries: none that goes over the stripe network. It ends when it would have ended
by itself, so a test helper or a cancel still comes first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid
from emulator.kernel.params import Enum, Params, String, alternatives
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.routes import POST
from emulator.kernel.world import World
from emulator.treasury import financial_accounts
from emulator.treasury.bank_accounts import FAILURE_CODES, RETURN_CODES, Ending
from emulator.treasury.financial_accounts import FinancialAccount

ANY_ACCOUNT = "any"


class Forced(NamedTuple):
    """One way to end: by which arrow, with which codes, the usual one first, and which member of `Ending` has it."""

    verb: str
    codes: tuple[str, ...] = ()
    told_by: str | None = None


RETURNED = Forced("post", ("declined", *RETURN_CODES), "returned")
OUTBOUND = {"canceled": Forced("cancel"), "failed": Forced("fail"), "returned": RETURNED}
FLOWS = {
    "outbound_payment": OUTBOUND,
    "outbound_transfer": OUTBOUND,
    "inbound_transfer": {
        "failed": Forced("fail", ("other", *FAILURE_CODES), "failed"),
        "returned": Forced("succeed", ("other", *FAILURE_CODES), "returned"),
    },
}
STATUSES = tuple(dict.fromkeys(status for endings in FLOWS.values() for status in endings))
CODES = tuple(dict.fromkeys(code for ways in FLOWS.values() for one in ways.values() for code in one.codes))


@record("emulator.next_flow", prefix="nextflow", noun="next flow", filters=("financial_account", "flow_type"))
class NextFlow:
    """One ending that waits for its flow. `financial_account` is an id, or `any`."""

    id: str
    created: int
    code: str | None
    financial_account: str
    flow_type: str
    status: str

    def render(self, world: World) -> dict[str, Any]:
        """What will happen, and to which account's flow; null for whichever comes first."""
        return shown(self, financial_account=None if self.financial_account == ANY_ACCOUNT else self.financial_account)


class NextFlowParams(Params):
    """How which flow ends. Without a financial account the account's next flow of that type does."""

    code = Enum(CODES)
    financial_account = String()
    flow_type = Enum(tuple(FLOWS), required=True)
    status = Enum(STATUSES, required=True)


def choose(world: World, params: dict[str, Any]) -> NextFlow:
    """Choose how the next transfer or payment ends.

    400 for a status or a code that does not go with its type, and for a financial account that is closed.
    """
    if "financial_account" in params:
        account = world.get(FinancialAccount, params["financial_account"], param="financial_account")
        financial_accounts.require_open(account, param="financial_account")
    flow_type, status = params["flow_type"], params["status"]
    forced = FLOWS[flow_type].get(status)
    if forced is None:
        raise invalid(
            f"The status of an {flow_type} must be one of {alternatives(list(FLOWS[flow_type]))}", param="status"
        )
    code = params.get("code", forced.codes[0] if forced.codes else None)
    if code is not None and code not in forced.codes:
        raise invalid(f"An {flow_type} with the status '{status}' does not have the code '{code}'.", param="code")

    return world.put(
        NextFlow(
            id=world.new_id(NextFlow.prefix),
            created=world.now,
            code=code,
            financial_account=params.get("financial_account", ANY_ACCOUNT),
            flow_type=flow_type,
            status=status,
        )
    )


def taken(world: World, flow_type: str, financial_account: str) -> dict[str, str] | None:
    """The oldest ending that waits for a flow of that type from or to that account, used up now; None for none.

    It is what a flow keeps of it: the members of `Ending` that it says.
    """
    conditions = [
        Condition("account", "eq", world.account),
        Condition("flow_type", "eq", flow_type),
        Condition("financial_account", "in", [financial_account, ANY_ACCOUNT]),
    ]
    waiting = world.store.select(NextFlow, conditions)
    if not waiting:
        return None
    chosen = waiting[-1]
    world.forget(chosen)
    forced = FLOWS[flow_type][chosen.status]
    return {"verb": forced.verb, **({forced.told_by: chosen.code} if forced.told_by else {})}


def ending_of(flow: Any, usual: Ending) -> Ending:
    """How a flow ends by itself: as it was told to, or else as usual."""
    return usual if flow.forced is None else Ending(**flow.forced)


RECORDS = (NextFlow,)
ROUTES = [POST("/_emulator/treasury/next_flow", choose, NextFlowParams)]
