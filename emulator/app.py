"""The application: catalog, tenants and pipeline put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask

from emulator.catalog import CATALOG
from emulator.kernel.asking import Asker
from emulator.kernel.http import Pipeline, RequestLine
from emulator.kernel.postman import Postman
from emulator.kernel.services import Background
from emulator.kernel.tenants import Tenants

API = ("/v1/", "/_emulator/")


class Application(Flask):
    """Flask, with the API answered ahead of Flask's routing.

    The catalog's table knows every path of the API, so routing it through Flask too would double what reading a record
    costs. Pages, and what nobody knows, go the usual way.
    """

    pipeline: Pipeline
    emulator: Emulator

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request."""
        if environ["PATH_INFO"].startswith(API):
            return self.pipeline.wsgi(environ, start_response)
        return super().wsgi_app(environ, start_response)


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
    on_request: Callable[[RequestLine], None] | None = None,
) -> Application:
    """A Flask application over a data directory. NewerData or OSError when the directory cannot be used.

    The background work is not started; `app.emulator.background.start()` does that.
    """
    tenants = Tenants(Path(data), CATALOG, seed=seed, durable=durable)
    app = Application("emulator", static_folder=None)
    app.emulator = Emulator(tenants)
    app.pipeline = Pipeline(tenants, on_request, app.emulator.asker)
    app.pipeline.mount(app)
    return app
