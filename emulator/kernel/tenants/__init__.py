"""Whose, and when: the tenants of a server, the steps of each, and what goes on in the background.

tenants       all of them: found by their keys, opened, closed, deleted
attendant     who is told what happens to them, and looks at them when their time has come
caller        who calls operations one after the other for one request
tenant        one: reading and writing steps, its clock, its settings, a fresh start
memory        replies that are given again while nothing is committed
linked_calls  what its client calls while it handles something of ours
background    the thread that looks at worlds for which something has fallen due
"""

from emulator.kernel.tenants.attendant import Attendant
from emulator.kernel.tenants.caller import Caller
from emulator.kernel.tenants.tenant import Passed, Tenant, time_of
from emulator.kernel.tenants.tenants import Tenants, handle_of, masked_name, token_of

__all__ = ["Attendant", "Caller", "Passed", "Tenant", "Tenants", "handle_of", "masked_name", "time_of", "token_of"]
