"""A request as it came in: method, path, headers, and what was sent in query and body.

Read straight from the WSGI environment. Of werkzeug only what is worth its cost: how long a body is, and multipart.
"""

from __future__ import annotations

import io
from functools import partial
from typing import Any, NamedTuple

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_content_length, get_input_stream

from emulator.kernel.uploads import Upload
from emulator.kernel.wire import forms

FORM = "application/x-www-form-urlencoded"
WSGI_NAMES = {
    name: "HTTP_" + name.upper().replace("-", "_")
    for name in (
        "Authorization", "Idempotency-Key", "Origin", "Stripe-Account", "Stripe-Context", "Stripe-Version",
        "User-Agent",
    )
}  # fmt: skip


class Multipart(Request):
    """A form in parts, read whole: what is too long for a parameter is refused by its name."""

    max_form_memory_size = None
    max_form_parts = forms.MOST_PARAMETERS
    form_data_parser_class = partial(FormDataParser, silent=False)  # type: ignore[assignment]


class Incoming(NamedTuple):
    """One request, not judged yet."""

    environ: dict[str, Any]
    method: str
    path: str
    content: bytes = b""
    broken: str | None = None  # why the body is not whole, if it is not

    def header(self, name: str, default: str | None = None) -> str | None:
        """A header's value, or the default. werkzeug's own mapping costs more than a look into a dictionary."""
        return self.environ.get(WSGI_NAMES[name], default)

    @property
    def origin(self) -> str:
        """Where the client believes us to be, as `http://host:port`."""
        return f"{self.environ['wsgi.url_scheme']}://{self.environ.get('HTTP_HOST', 'localhost')}"

    @property
    def query(self) -> bytes:
        """What follows the question mark."""
        return self.environ.get("QUERY_STRING", "").encode("latin-1")

    @property
    def content_type(self) -> str:
        """The media type of the body without what follows it, in lower case; empty when none is named."""
        return self.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()

    @property
    def ip_address(self) -> str:
        """Whom it came from; empty when nobody knows."""
        return self.environ.get("REMOTE_ADDR") or ""

    def tree(self) -> dict[str, Any]:
        """Query and form as one tree, whatever the method; of what is in both, the body's is taken.

        400 for a body that is not whole or no form, and for too many parameters.
        """
        if self.broken:
            raise forms.broken_body(self.broken)
        query, kind = self.query, self.content_type
        if not self.content:
            forms.check_count(query)
            return forms.nested(forms.pairs(query))
        if kind == "multipart/form-data":
            forms.check_count(query)
            return forms.nested(forms.pairs(query)) | forms.nested(self.parts())
        if kind not in ("", FORM):
            raise forms.wrong_encoding()
        forms.check_count(query, self.content)
        return forms.nested(forms.pairs(query)) | forms.nested(forms.pairs(self.content))

    def parts(self) -> list[tuple[str, Any]]:
        """The names and values of a multipart body. 400 if it cannot be taken apart."""
        length = str(len(self.content))
        sent = Multipart({**self.environ, "wsgi.input": io.BytesIO(self.content), "CONTENT_LENGTH": length})
        try:
            texts = list(sent.form.items(multi=True))
            files = [(name, upload_of(file)) for name, file in sent.files.items(multi=True)]
        except ValueError:
            raise forms.broken_body("it is not a multipart form that ends with the boundary it names") from None
        except RequestEntityTooLarge:
            raise forms.too_many() from None
        if any(name is None for name, _ in (*texts, *files)):
            raise forms.broken_body("a part of its multipart form has no name")
        if b"\xef\xbf\xbd" not in self.content and any("\ufffd" in name + text for name, text in texts):
            raise forms.wrong_encoding()  # bytes that are not UTF-8 were replaced on the way
        return [*texts, *files]


def received(environ: dict[str, Any]) -> Incoming:
    """The request of a WSGI environment, read to its end."""
    path = environ.get("PATH_INFO") or "/"
    if not path.isascii():  # WSGI hands bytes over as latin-1
        path = path.encode("latin-1").decode("utf-8", "replace")
    content, broken = body_of(environ)
    return Incoming(environ, environ["REQUEST_METHOD"], path, content, broken)


def body_of(environ: dict[str, Any]) -> tuple[bytes, str | None]:
    """The body, and why it is not whole, if it is not.

    Of a body that breaks off granian hands over nothing, as of one that is empty, and werkzeug's own server complains.
    So a chunked body of nothing counts as broken: that is a clear refusal, and the other way round a wrong answer.
    """
    is_chunked = "HTTP_TRANSFER_ENCODING" in environ
    length = get_content_length(environ)
    if not length and not is_chunked:
        return b"", None
    try:
        content = get_input_stream(environ).read()
    except (BadRequest, OSError):
        content = b""
    if is_chunked:
        broken = "its chunked encoding is broken or ends too early (an empty body needs Content-Length: 0)"
        return content, None if content else broken
    if len(content) == length:
        return content, None
    return b"", f"it ends before the {length} bytes that its Content-Length announces"


def upload_of(file: FileStorage) -> Upload:
    """A multipart file part with its content."""
    return Upload(file.filename or "blob", file.read(), file.mimetype)
