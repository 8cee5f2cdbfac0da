"""Somebody who reads pages without a script: links are followed, forms are sent with their hidden fields."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

HOST = "127.0.0.1:12111"
VOID = {"input", "link", "meta", "br", "rect", "path", "circle", "line", "use"}


class Visitor:
    """One browser's session with the pages of an application."""

    def __init__(self, app: Flask, key: str | None = None) -> None:
        self.client = app.test_client()
        self.page: TestResponse
        if key is not None:
            self.sign_in(key)

    def sign_in(self, key: str) -> TestResponse:
        """Give a key."""
        self.get("/dashboard/sign_in")
        return self.post("/dashboard/sign_in", key=key)

    def get(self, path: str, follow: bool = True, **headers: str) -> TestResponse:
        """Open a page."""
        sent = {"Accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.page = self.client.get(path, base_url=f"http://{HOST}", headers=sent, follow_redirects=follow)
        return self.page

    def post(self, path: str, /, follow: bool = True, **fields: Any) -> TestResponse:
        """Send a form of the page that was opened last."""
        hidden = {"token": self.token, **fields}
        self.page = self.client.post(path, base_url=f"http://{HOST}", data=hidden, follow_redirects=follow)
        return self.page

    @property
    def html(self) -> str:
        """The page as it came."""
        return self.page.get_data(as_text=True)

    @property
    def token(self) -> str:
        """The token in its forms."""
        found = re.search(r'name="token" value="([^"]+)"', self.html)
        return found[1] if found else ""

    @property
    def text(self) -> str:
        """What a person reads."""
        reader = Reader()
        reader.feed(self.html)
        return re.sub(r"\s+", " ", " ".join(reader.said)).strip()

    def links(self, beginning: str = "/dashboard") -> list[str]:
        """Where links lead."""
        found = (unescape(one) for one in re.findall(r'href="([^"]+)"', self.html))
        return [one for one in found if one.startswith(beginning)]


class Reader(HTMLParser):
    """The text of a page, without its head."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"head", "script", "style"} & set(self.inside):
            self.said.append(data)
