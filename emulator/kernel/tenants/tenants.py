"""The tenants of a server: everything behind one set of API keys is one of them, and its world is kept apart."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import logging
import math
import threading
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from emulator.kernel.catalog import Catalog
from emulator.kernel.database.face import Database, Ear, StorageFails, WorldDamaged, WorldGone
from emulator.kernel.database.tenant_row import read_tenant_row
from emulator.kernel.tenants.attendant import Attendant
from emulator.kernel.tenants.tenant import Tenant
from emulator.kernel.world import World

HANDLE_BYTES = 16
MOST_GENERATIONS = 10_000
MOST_OPEN_TENANTS = 200
FILES_OF_A_TENANT = 7  # two for each of three connections, and one that they share
FILES_FOR_THE_REST = 100  # request logs, deliveries
log = logging.getLogger("emulator")


class Tenants:
    """The tenants whose worlds are in one database, opened as their keys appear."""

    def __init__(
        self, database: Database, catalog: Catalog, *, seed: int = 0, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.database = database
        self.catalog = catalog
        self.seed = seed
        self.settings = dict(settings or {})  # what new worlds have in place of the defaults
        self.request_log = database.requests
        self.most_open = places(most_files())
        self.news = database.bell("news")  # handles of worlds in which something happened
        self.deleted = database.bell("deleted")  # the same of those that were deleted, each with its generation
        self.losses: Ear | None = None
        self.guard = threading.Lock()
        self.open_ones: OrderedDict[str, Tenant] = OrderedDict()
        self.unused: deque[Tenant] = deque()  # no longer among them, and not closed yet
        # Of worlds that were deleted, by whichever process: the next one of that key is another.
        self.generations = database.drawer("generations", MOST_GENERATIONS)
        self.said: dict[str, str] = {}  # what is wrong with worlds, as far as it has been said
        self.origin = "http://127.0.0.1:12111"  # in addresses that no request asks for; the server tells its own
        self.websocket_url: str | None = None
        self.attendants: list[Attendant] = []

    def open(self, name: str) -> Tenant:
        """The tenant of that name, made if there is none yet."""
        tenant = self.opened(handle_of(name), name)
        tenant.known_name = name  # which is not asked of its world, that may be damaged
        return tenant

    def has(self, name: str) -> bool:
        """Whether there is a world of that name. StorageFails."""
        return self.database.has(handle_of(name))

    def behind(self, handle: str) -> Tenant | None:
        """The tenant whose world has that handle, as addresses without a key carry it; or None."""
        return self.opened(handle) if self.database.has(handle) else None

    def named_by(self, token: str) -> tuple[Tenant, str] | None:
        """The tenant and the object that a token of `token_of` names, which need not exist; None where no tenant is."""
        try:
            named = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            handle, id = named[:HANDLE_BYTES].hex(), named[HANDLE_BYTES:].decode()
        except (binascii.Error, ValueError):
            return None
        tenant = self.behind(handle)
        return None if tenant is None else (tenant, id)

    def opened(self, handle: str, name: str | None = None) -> Tenant:
        """The tenant with that handle. Tenants long unused give way, to keep few files open."""
        tenant = self.open_ones.get(handle)
        if tenant is not None:
            with contextlib.suppress(KeyError):  # closed by another thread this very moment
                self.open_ones.move_to_end(handle)
            return tenant
        with self.guard:
            tenant = self.open_ones.get(handle)
            if tenant is None:
                tenant = self.open_ones[handle] = Tenant(self, handle, name)
                while len(self.open_ones) > self.most_open:
                    self.unused.append(self.open_ones.popitem(last=False)[1])
        return tenant

    def close_unused(self) -> None:
        """Close those that have given way, unless somebody has come for them again.

        It is done where another is opened: what they have written is folded back, and whoever writes to one is waited
        for, which may take long.
        """
        while True:
            try:
                tenant = self.unused.popleft()
            except IndexError:
                return
            if tenant.handle not in self.open_ones:
                tenant.close()

    def delete(self, tenant: Tenant) -> None:
        """Forget a tenant's world for good, and whatever waits in it. Its next request finds a new one."""
        if self.database.has(tenant.handle):
            self.generations.put(tenant.handle, b"%d" % tenant.last_generation())
        tenant.is_deleted = True
        with self.guard:
            self.open_ones.pop(tenant.handle, None)
        self.database.delete(tenant.handle)
        self.deleted.ring_elsewhere(f"{tenant.handle}:{self.deleted_generation(tenant.handle)}")
        self.have_ended(tenant)

    def deleted_generation(self, handle: str) -> int:
        """Which generation of a world was the last that was deleted; 0 where none was. StorageFails."""
        return int(self.generations.get(handle) or 0)

    def lose(self, tenant: Tenant) -> None:
        """Another process has deleted a tenant's world: its next request finds a new one."""
        tenant.is_deleted = tenant.was_lost = True
        with self.guard:
            if self.open_ones.get(tenant.handle) is tenant:
                del self.open_ones[tenant.handle]
        self.have_ended(tenant)

    def have_ended(self, tenant: Tenant) -> None:
        """A tenant's world is no more: nobody waits for anything in it."""
        self.said.pop(tenant.handle, None)
        self.news.ring(tenant.handle)
        for attendant in self.attendants:
            attendant.deleted(tenant)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Hear which worlds other processes delete, for as long as somebody ticks."""
        with self.deleted.ear() as self.losses:
            yield
        self.losses = None

    def tick(self) -> None:
        """Let go of worlds that others have deleted, and look at every one for which something has fallen due."""
        for word in self.losses.heard() if self.losses is not None else ():
            handle, _, generation = word.partition(":")
            tenant = self.open_ones.get(handle)
            if tenant is not None and tenant.generation <= int(generation):
                self.lose(tenant)
        for handle in self.database.due(time.time()):
            with self.apart(handle):
                self.look_alone(handle)

    def look_alone(self, handle: str) -> None:
        """Look at a world, unless another process just does."""
        lock = self.database.lock(f"look {handle}")
        if lock.take():
            try:
                self.look(handle)
            finally:
                lock.release()

    def look(self, handle: str) -> None:
        """Do what has fallen due in a world, let others look at it too, and say when it needs the next look."""
        tenant = self.behind(handle)
        if tenant is None:
            self.database.leave_alone(handle)
            return
        tenant.settle_unasked()
        tenant.have_looked_at()
        tenant.rest()

    # What goes wrong

    @contextlib.contextmanager
    def apart(self, handle: str) -> Iterator[None]:
        """Work in one world that no request asks for: what goes wrong in it stays there, and is said once."""
        try:
            yield
        except (WorldGone, StorageFails):
            return  # nobody asks any more; whoever keeps the worlds has said it
        except WorldDamaged as damage:
            self.tell_of(handle, damage)
        except Exception as failure:
            if self.is_news(handle, f"{type(failure).__name__}: {failure}"):
                log.error("background work of %s failed\n%s", self.called(handle), traceback.format_exc())

    def tell_of(self, handle: str, damage: WorldDamaged) -> None:
        """Say once which world is damaged and how. It is left alone from then on."""
        if self.is_news(handle, str(damage)):
            log.error("%s is left alone until it is reset or deleted: %s", self.called(handle), damage)
        self.database.leave_alone(handle)

    def is_news(self, handle: str, trouble: str) -> bool:
        """Whether this is not what was said last of a world."""
        with self.guard:
            before, self.said[handle] = self.said.get(handle), trouble
        return trouble != before

    def called(self, handle: str) -> str:
        """A world as people may be told of it: as much of its name as its owner knows it by, if that can be read."""
        tenant = self.open_ones.get(handle)
        name = tenant.known_name if tenant is not None else None
        with contextlib.suppress(WorldGone, WorldDamaged, StorageFails):
            if name is None:
                with self.database.looking(handle) as session:
                    name = read_tenant_row(session).name
        return "A world whose name cannot be read" if name is None else f"The world {masked_name(name)}"

    def close(self) -> None:
        """Close every world, and the database."""
        self.close_unused()
        with self.guard:
            while self.open_ones:
                self.open_ones.popitem()[1].close()
        self.database.close()


@lru_cache(maxsize=4096)
def handle_of(name: str) -> str:
    """What a tenant's world is called where it is kept: 32 hexadecimal digits that tell nothing of its name."""
    return hashlib.sha256(name.encode()).hexdigest()[: 2 * HANDLE_BYTES]


def token_of(world: World, id: str) -> str:
    """What stands for an object of this world in addresses that are opened without a key."""
    named = bytes.fromhex(handle_of(world.step.row.name)) + id.encode()
    return base64.urlsafe_b64encode(named).decode().rstrip("=")


def masked_name(name: str) -> str:
    """As much of a world's name as tells its owner which it is: a quarter of it, four characters at most."""
    return name[: min(len(name) // 4, 4)] + "…"


def most_files() -> float:
    """How many files this process may have open; as many as it likes where the system does not count them."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return math.inf if most == resource.RLIM_INFINITY else most


def places(most_files: float) -> int:
    """How many tenants may be open at once in a process that may open so many files: half of them are for clients."""
    return int(max(2, min(MOST_OPEN_TENANTS, (most_files / 2 - FILES_FOR_THE_REST) // FILES_OF_A_TENANT)))


def room_for_clients() -> float:
    """How many connections of clients there may be besides the tenants."""
    most = most_files()
    return max(16, most - places(most) * FILES_OF_A_TENANT - FILES_FOR_THE_REST)
