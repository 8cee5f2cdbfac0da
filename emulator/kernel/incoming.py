"""A request as it came in: method, path, headers, and what was sent in query and body.

Read straight from the WSGI environment. Of werkzeug only what is worth its cost: how long a body is, and multipart.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_input_stream

from emulator.kernel import forms

FORM = "application/x-www-form-urlencoded"
WSGI_NAMES = {
    name: "HTTP_" + name.upper().replace("-", "_")
    for name in (
        "Authorization", "Idempotency-Key", "Origin", "Stripe-Account", "Stripe-Context", "Stripe-Version",
        "User-Agent",
    )
}  # fmt: skip


class Upload(NamedTuple):
    """A file sent as a multipart part."""

    filename: str
    content: bytes
    content_type: str

    def __str__(self) -> str:
        """The file's name, for refusals that quote what was sent."""
        return self.filename


class Multipart(Request):
    """A form in parts, read whole: what is too long for a parameter is refused by its name."""

    max_form_memory_size = None
    max_form_parts = None


class Incoming(NamedTuple):
    """One request, not judged yet."""

    environ: dict[str, Any]
    method: str
    path: str
    content: bytes = b""

    def header(self, name: str, default: str | None = None) -> str | None:
        """A header's value, or the default. werkzeug's own mapping costs more than a look into a dictionary."""
        return self.environ.get(WSGI_NAMES[name], default)

    @property
    def origin(self) -> str:
        """Where the client believes us to be, as `http://host:port`."""
        return f"{self.environ['wsgi.url_scheme']}://{self.environ.get('HTTP_HOST', 'localhost')}"

    @property
    def ip_address(self) -> str:
        """Whom it came from; empty when nobody knows."""
        return self.environ.get("REMOTE_ADDR") or ""

    def tree(self) -> dict[str, Any]:
        """Query and body as one tree, whatever the method; of what is in both, the body's is taken."""
        query = self.environ.get("QUERY_STRING")
        tree = forms.nested(forms.pairs(query.encode("latin-1"))) if query else {}
        if self.content:
            tree |= forms.nested(self.form())
        return tree

    def form(self) -> list[tuple[str, Any]]:
        """The names and values of the body. 400 if it is no form."""
        kind = self.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            length = str(len(self.content))
            sent = Multipart({**self.environ, "wsgi.input": io.BytesIO(self.content), "CONTENT_LENGTH": length})
            files = [(name, upload_of(file)) for name, file in sent.files.items(multi=True)]
            return [*sent.form.items(multi=True), *files]
        if kind not in ("", FORM):
            raise forms.wrong_encoding()
        return forms.pairs(self.content)


def received(environ: dict[str, Any]) -> Incoming:
    """The request of a WSGI environment, read to its end."""
    path = environ.get("PATH_INFO") or "/"
    if not path.isascii():  # WSGI hands bytes over as latin-1
        path = path.encode("latin-1").decode("utf-8", "replace")
    has_content = environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ
    content = get_input_stream(environ).read() if has_content else b""
    return Incoming(environ, environ["REQUEST_METHOD"], path, content)


def upload_of(file: FileStorage) -> Upload:
    """A multipart file part with its content."""
    return Upload(file.filename or "blob", file.read(), file.mimetype)
