"""What asks an application in this process is answered by servers elsewhere, over the network.

    with asked_elsewhere(app, fleet.url): ...

The application itself looks at the same worlds then, and serves nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from flask import Flask
from werkzeug.datastructures import EnvironHeaders

from bench.fleet import Fleet

HOPS = frozenset({"connection", "keep-alive"})  # between two, and no part of what is said
PATIENCE_SECONDS = 60


class Elsewhere:
    """A WSGI application that passes every request on, as it came, and what is replied back."""

    def __init__(self, url: str) -> None:
        self.url = httpx.URL(url)
        self.http = httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """One request."""
        headers = [(name, value) for name, value in EnvironHeaders(environ) if name.lower() not in HOPS]
        path, query = quote(environ["PATH_INFO"], safe="/:@!$&'()*+,;=", encoding="latin-1"), environ["QUERY_STRING"]
        where = self.url.copy_with(raw_path=f"{path}?{query}".rstrip("?").encode("latin-1"))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        asked = httpx.Request(environ["REQUEST_METHOD"], where, headers=headers, content=body)
        reply = self.http.send(asked, stream=True)
        told = [(name, value) for name, value in reply.headers.multi_items() if name not in HOPS]
        start_response(f"{reply.status_code} {reply.reason_phrase}", told)
        return [b"".join(reply.iter_raw())]

    def close(self) -> None:
        """Hang up."""
        self.http.close()


@contextmanager
def asked_elsewhere(app: Flask, url: str) -> Iterator[None]:
    """Pass on what an application is asked, for the length of a block."""
    answers = app.wsgi_app
    with closing(Elsewhere(url)) as elsewhere:
        app.wsgi_app = elsewhere  # type: ignore[method-assign]
        yield
    app.wsgi_app = answers  # type: ignore[method-assign]


@contextmanager
def answered_by(app: Flask, worlds: Path | str, processes: int) -> Iterator[None]:
    """Have so many servers of its worlds answer for an application, in turn. Fails where one told of its own fault."""
    with Fleet(worlds, processes) as fleet, asked_elsewhere(app, fleet.url):
        yield
    said = "".join(line for one in fleet.processes for line in one.console)
    assert "Traceback" not in said, said
