"""The application: catalog, tenants and pipeline put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from emulator import front_page
from emulator.catalog import CATALOG
from emulator.kernel.asking import Asker
from emulator.kernel.http import Pipeline, RequestLine
from emulator.kernel.postman import Postman
from emulator.kernel.services import Background
from emulator.kernel.tenants import Tenants


class Emulator:
    """A data directory being served: its tenants, and what runs in the background."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.background = Background(tenants)
        self.postman = tenants.postman = Postman(tenants)
        self.asker = Asker(self.postman)
        tenants.when_something_may_be_due.append(self.postman.wake)
        tenants.when_questions_are_open.append(self.asker.sweep)
        self.background.services.append(self.postman)
        tenants.at_each_tick += [self.postman.visit_safely, self.asker.sweep]

    def close(self) -> None:
        """Stop the background work and close every database."""
        self.background.stop()
        self.postman.stop()
        self.tenants.close()


def create_app(
    data: Path,
    *,
    seed: int = 0,
    durable: bool = False,
    workers: int = 1,
    settings: Mapping[str, Any] | None = None,
    on_request: Callable[[RequestLine], None] | None = None,
) -> Flask:
    """A Flask application over a data directory. NewerData or OSError when the directory cannot be used.

    `workers` is how many server processes have an application over this directory, this one included; `settings` is
    what new worlds begin with in place of the defaults. The background work is not started;
    `app.emulator.background.start()` does that.
    """
    tenants = Tenants(Path(data), CATALOG, seed=seed, durable=durable, workers=workers, settings=settings)
    app = Flask("emulator", static_folder=None)
    app.emulator = Emulator(tenants)  # type: ignore[attr-defined]
    front_page.mount(app, tenants)
    Pipeline(tenants, on_request, app.emulator.asker).mount(app)  # type: ignore[attr-defined]
    return app
