"""A request as it came in: method, path, headers, and what was sent in query and body.

It is read from a WSGI environment here, and from an ASGI server in `front.py`. Of werkzeug only what is worth its cost:
how long a body is, and multipart.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_content_length, get_input_stream

from emulator.kernel.uploads import Upload
from emulator.kernel.wire import forms

FORM = "application/x-www-form-urlencoded"
BROKEN_CHUNKS = "its chunked encoding is broken or ends too early (an empty body needs Content-Length: 0)"
# The headers that anybody asks for, by what WSGI calls them.
WSGI_NAMES = {
    "CONTENT_TYPE": "content-type",
    **{
        "HTTP_" + name.upper().replace("-", "_"): name
        for name in (
            "accept", "access-control-request-method", "authorization", "host", "idempotency-key", "origin",
            "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "stripe-account", "stripe-context", "stripe-version",
            "user-agent",
        )
    },
}  # fmt: skip


class Incoming(NamedTuple):
    """One request, not judged yet. Names of headers are in lower case."""

    method: str
    path: str
    query: bytes  # what follows the question mark
    headers: Mapping[str, str]
    origin: str  # where the client believes us to be, as `http://host:port`
    ip_address: str  # whom it came from; empty when nobody knows
    content: bytes = b""
    broken: str | None = None  # why the body is not whole, if it is not

    @property
    def content_type(self) -> str:
        """The media type of the body without what follows it, in lower case; empty when none is named."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_browsers(self) -> bool:
        """Whether a browser sent it: only they say how they came to, or ask for pages."""
        said = any(name.startswith("sec-fetch-") for name in self.headers)
        return said or "text/html" in self.headers.get("accept", "")

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
        """The names and values of a multipart body, read whole. 400 if it cannot be taken apart."""
        kind, options = parse_options_header(self.headers.get("content-type"))
        parser = FormDataParser(max_form_memory_size=None, max_form_parts=forms.MOST_PARAMETERS, silent=False)
        try:
            _, form, sent = parser.parse(io.BytesIO(self.content), kind, len(self.content), options)
            texts = list(form.items(multi=True))
            files = [(name, upload_of(file)) for name, file in sent.items(multi=True)]
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
    content, broken = body_of(environ)
    return head_of(environ)._replace(content=content, broken=broken)


def head_of(environ: dict[str, Any]) -> Incoming:
    """The same before its body is read."""
    path = environ.get("PATH_INFO") or "/"
    if not path.isascii():  # WSGI hands bytes over as latin-1
        path = path.encode("latin-1").decode("utf-8", "replace")
    return Incoming(
        environ["REQUEST_METHOD"],
        path,
        environ.get("QUERY_STRING", "").encode("latin-1"),
        {name: environ[key] for key, name in WSGI_NAMES.items() if key in environ},
        f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', 'localhost')}",
        environ.get("REMOTE_ADDR") or "",
    )


def body_of(environ: dict[str, Any]) -> tuple[bytes, str | None]:
    """The body, and why it is not whole, if it is not.

    Of a body that breaks off some servers hand over nothing, as of one that is empty, and werkzeug's own complains. So
    a chunked body of nothing counts as broken: that is a clear refusal, and the other way round a wrong answer.
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
        return content, None if content else BROKEN_CHUNKS
    return (content, None) if len(content) == length else (b"", too_short(length or 0))


def too_short(length: int) -> str:
    """Why a body of a known length is not whole."""
    return f"it ends before the {length} bytes that its Content-Length announces"


def upload_of(file: FileStorage) -> Upload:
    """A multipart file part with its content."""
    return Upload(file.filename or "blob", file.read(), file.mimetype)
