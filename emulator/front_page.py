"""What is found at `/`: a browser is led to the dashboard; everybody else hears as JSON what this is, which worlds
there are, what to try, and where the pages of the documentation are.

A client that brings a key means the API and has lost its path: it gets Stripe's 404, as other methods and paths do.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, request

from emulator import __version__, first_steps
from emulator.control.worlds import worlds
from emulator.kernel.database.face import StorageFails
from emulator.kernel.render import encoded
from emulator.kernel.tenants import Tenants

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def mount(app: Flask, tenants: Tenants) -> None:
    """Answer `GET /` and the pages under `/docs/`. Comes before the pipeline, which answers every path and method."""
    pages = documentation()

    def front_page() -> Response:
        is_browser = request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
        if not is_browser and "Authorization" in request.headers:
            return app.view_functions["root"]("")
        if is_browser:
            answer: Response = redirect("/dashboard", 303)  # type: ignore[assignment]
            answer.headers.extend(HEADERS)
            return answer
        try:
            content = told(tenants, request.host_url.rstrip("/"))
        except StorageFails as failure:
            return Response(str(failure), 503, headers=HEADERS, mimetype="text/plain")
        return Response(encoded(content), headers=HEADERS, mimetype="application/json")

    def page(name: str) -> Response:
        return Response(pages[name].read_text(encoding="utf-8"), headers=HEADERS, mimetype="text/plain")

    app.add_url_rule("/", "front_page", front_page, methods=["GET"], provide_automatic_options=False)
    for name in pages:
        app.add_url_rule(f"/docs/{name}", "page", page, defaults={"name": name}, provide_automatic_options=False)


def told(tenants: Tenants, url: str) -> dict[str, Any]:
    """Everything the page says. No key is in it but the one of the demo, which is printed everywhere. StorageFails."""
    there = worlds(tenants, {})
    return {
        "object": "emulator",
        "version": __version__,
        "url": url,
        "docs": documents(url),
        "try": [command._asdict() for command in first_steps.in_any_world(url)],
        "worlds": there,
    }


def documents(url: str) -> list[dict[str, str]]:
    """The pages of the documentation, as a server at that address has them."""
    return [{"title": title_of(file), "url": f"{url}/docs/{name}"} for name, file in documentation().items()]


def documentation() -> dict[str, Path]:
    """README and the pages of docs/ by name: in an installed package among its data, in a checkout at the top."""
    package = Path(__file__).parent
    installed = package / "data" / "docs"
    folder = installed if installed.is_dir() else package.parent / "docs"
    files = [folder / "README.md", package.parent / "README.md", *sorted(folder.glob("[!R]*.md"))]
    return {file.name: file for file in files if file.is_file()}


@lru_cache(maxsize=100)
def title_of(file: Path) -> str:
    """The heading that a page begins with; the README's is our name, which says nothing here."""
    if file.name == "README.md":
        return "README, with the guide in curl"
    return file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
