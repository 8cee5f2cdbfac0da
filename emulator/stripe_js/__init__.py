"""Our Stripe.js: what a front end loads in place of `https://js.stripe.com/v3/` to show a card with Issuing Elements.

    page          stripe.js       Stripe(), elements(), createEphemeralKeyNonce(), retrieveIssuingCard()
      ├─ frame    controller.js   keeps private nonces and card numbers, and calls the API; one for each Stripe()
      └─ frames   element.js      show one of them each; they ask the controller, which is of the same origin

The page and the frames are of different origins, so the page never sees what the frames show, as with Stripe's own.
Only what Issuing needs is here; everything else says that it is not.
Source: https://docs.stripe.com/js and https://docs.stripe.com/issuing/elements
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from flask import Flask, Response

from emulator.kernel.wire.doors import ANY

FOLDER = Path(__file__).parent
MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript"}
# Everything comes from our own origin.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors"
)
LOOPBACK = ("localhost", "*.localhost", "127.0.0.1", "[::1]")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGES = {
    "/v3/": "stripe.js",
    "/v3": "stripe.js",
    "/v3/controller": "controller.html",
    "/v3/controller.js": "controller.js",
    "/v3/element": "element.html",
    "/v3/element.js": "element.js",
    "/issuing-elements": "demo.html",
    "/issuing-elements.js": "demo.js",
}


def mount(app: Flask, names: Collection[str]) -> None:
    """Serve the script, its frames and a page that tries them. Comes before the pipeline, which answers every path.

    Pages of this machine and of these hosts may have the frames in them; who else could call the API through them.
    """
    headers = {**HEADERS, "Content-Security-Policy": f"{POLICY} {ancestors(names)}"}

    def page(file: str) -> Response:
        content = (FOLDER / file).read_text(encoding="utf-8")
        return Response(content, headers=headers, mimetype=MEDIA_TYPES[Path(file).suffix])

    for path, file in PAGES.items():
        app.add_url_rule(path, f"stripe_js {path}", page, defaults={"file": file}, provide_automatic_options=False)


def ancestors(names: Collection[str]) -> str:
    """Whose pages may have a frame in them, as a policy says it; `*` stands for all."""
    if ANY in names:
        return ANY
    hosts = [*LOOPBACK, *sorted(set(names) - set(LOOPBACK))]
    return " ".join(f"{scheme}://{host}:*" for host in hosts for scheme in ("http", "https"))
