"""What a browser finds at `/`: what this is, which worlds there are, what to try, and the pages of the documentation.

Who asks for HTML gets a page, everybody else the same as JSON. A client that brings a key means the API and has lost
its path: it gets Stripe's 404, as other methods and paths do.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request

from emulator import __version__, first_steps
from emulator.control.worlds import worlds
from emulator.kernel.database.face import StorageFails
from emulator.kernel.render import encoded
from emulator.kernel.tenants import Tenants

# Nothing from elsewhere, no script, not in a frame; styles are the page's own.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def mount(app: Flask, tenants: Tenants) -> None:
    """Answer `GET /` and the pages under `/docs/`. Comes before the pipeline, which answers every path and method."""
    pages = documentation()

    def front_page() -> Response:
        is_browser = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
        if not is_browser and "Authorization" in request.headers:
            return app.view_functions["root"]("")
        try:
            content = told(tenants, request.host_url.rstrip("/"), pages)
        except StorageFails as failure:
            return Response(str(failure), 503, headers=HEADERS, mimetype="text/plain")
        if is_browser:
            return Response(
                render_template("front_page.html", commands=content["try"], **content),
                headers=HEADERS,
                mimetype="text/html",
            )
        return Response(encoded(content), headers=HEADERS, mimetype="application/json")

    def page(name: str) -> Response:
        return Response(pages[name].read_text(encoding="utf-8"), headers=HEADERS, mimetype="text/plain")

    app.add_template_filter(age)
    app.add_template_filter(readable)
    app.add_url_rule("/", "front_page", front_page, methods=["GET"], provide_automatic_options=False)
    for name in pages:
        app.add_url_rule(f"/docs/{name}", "page", page, defaults={"name": name}, provide_automatic_options=False)


def told(tenants: Tenants, url: str, pages: dict[str, Path]) -> dict[str, Any]:
    """Everything the page says. No key is in it but the one of the demo, which is printed everywhere. StorageFails."""
    there = worlds(tenants, {})
    return {
        "object": "emulator",
        "version": __version__,
        "url": url,
        "docs": [{"title": title_of(file), "url": f"{url}/docs/{name}"} for name, file in pages.items()],
        "try": [command._asdict() for command in first_steps.in_any_world(url)],
        "worlds": there,
    }


def documentation() -> dict[str, Path]:
    """README and the pages of docs/ by name: in an installed package among its data, in a checkout at the top."""
    package = Path(__file__).parent
    installed = package / "data" / "docs"
    folder = installed if installed.is_dir() else package.parent / "docs"
    files = [folder / "README.md", package.parent / "README.md", *sorted(folder.glob("[!R]*.md"))]
    return {file.name: file for file in files if file.is_file()}


def title_of(file: Path) -> str:
    """The heading that a page begins with; the README's is our name, which says nothing here."""
    if file.name == "README.md":
        return "README, with the guide in curl"
    return file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def age(then: int) -> str:
    """How long ago a moment was, in the largest unit that fits: `3 min`."""
    seconds = max(int(time.time()) - then, 0)
    length, unit = next((span for span in SPANS if seconds >= span[0]), SPANS[-1])
    return f"{seconds // length} {unit}"


def readable(size: int) -> str:
    """Bytes as people read them: `740 kB`."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{size // 1_000} kB"
