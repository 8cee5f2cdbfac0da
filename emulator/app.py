"""The application: catalog, tenants and pipeline put together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from emulator import dashboard, front_page, stripe_js
from emulator.catalog import CATALOG
from emulator.kernel.database.place import database_at
from emulator.kernel.database.request_log import MASKING
from emulator.kernel.requests import RequestLine
from emulator.kernel.tenants import Attendant, Tenants
from emulator.kernel.tenants.background import Background
from emulator.kernel.webhooks.asker import Asker
from emulator.kernel.webhooks.postman import Postman
from emulator.kernel.wire.doors import Doors
from emulator.kernel.wire.inside import Inside
from emulator.kernel.wire.pipeline import Pipeline


class Emulator:
    """Worlds being served: the tenants, and what runs in the background."""

    def __init__(self, tenants: Tenants, on_request: Callable[[RequestLine], None] | None = None) -> None:
        self.tenants = tenants
        self.background = Background(tenants)
        postman = self.postman = Postman(tenants)
        asker = self.asker = Asker(postman)
        self.pipeline = Pipeline(tenants, on_request, asker)
        tenants.attendants += [
            Attendant(woken=postman.wake, looks=postman.visit_safely, deleted=postman.leave),
            Attendant(questioned=asker.sweep, looks=asker.sweep),
        ]
        self.background.services.append(postman)

    def close(self) -> None:
        """Stop the background work and close every database."""
        self.background.stop()
        self.postman.stop()
        self.tenants.close()


def create_app(
    data: Path | str,
    *,
    seed: int = 0,
    durable: bool = False,
    is_locked: bool = False,
    settings: Mapping[str, Any] | None = None,
    on_request: Callable[[RequestLine], None] | None = None,
    hosts: Collection[str] = (),
) -> Flask:
    """A Flask application over a data directory, or over a PostgreSQL database by its URL.

    DirectoryInUse or OSError when the one cannot be used, NoDatabase when the other cannot.

    One application serves a directory; `is_locked` says that whoever starts this one holds its lock already. `settings`
    is what new worlds begin with in place of the defaults. `hosts` are names by which it may be called besides those of
    this machine (`*` for any), and whose pages may change things and show cards in frames of ours. The background work
    is not started; `app.emulator.background.start()` does that.
    """
    logging.getLogger("emulator").addFilter(MASKING)
    database = database_at(data, CATALOG.records.values(), durable=durable, is_locked=is_locked)
    tenants = Tenants(database, CATALOG, seed=seed, settings=settings)
    app = Flask("emulator", static_folder=None)
    app.emulator = Emulator(tenants, on_request)  # type: ignore[attr-defined]
    front_page.mount(app, tenants)
    stripe_js.mount(app, hosts)
    emulator = app.emulator  # type: ignore[attr-defined]
    emulator.dashboard = dashboard.mount(app, tenants, Inside(emulator.pipeline, "stripe-emulator (dashboard)"))
    emulator.pipeline.mount(app, Doors(hosts))
    return app
