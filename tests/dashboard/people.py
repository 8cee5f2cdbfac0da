"""Somebody at a real browser: presses what is written on it, types, reads."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.browsers import Tab, until

WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
# Whatever can be pressed whose words are those, the innermost and the visible first.
PRESSABLE = """(words) => {
  const all = [...document.querySelectorAll('a, button, summary, label, [role=switch]')];
  const named = (one) => one.getAttribute('aria-labelledby')
    ? document.getElementById(one.getAttribute('aria-labelledby')).innerText : (one.innerText || one.textContent);
  const said = (one) => named(one).split(/\\n/)[0].trim();
  const there = all.filter((one) => one.getClientRects().length && said(one) === words);
  if (!there.length) return null;
  there[0].scrollIntoView({block: 'center'});
  const {x, y, width, height} = there[0].getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}"""


class Person:
    """Uses one tab at one width."""

    def __init__(self, tab: Tab, width: str, theme: str = "light") -> None:
        self.tab = tab
        wide, high = WIDTHS[width]
        self.is_narrow = width == "narrow"
        for domain in ("Log", "Network"):
            tab.ask(f"{domain}.enable")
        tab.ask(
            "Emulation.setDeviceMetricsOverride", width=wide, height=high, deviceScaleFactor=1, mobile=self.is_narrow
        )
        tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        tab.said.clear()
        tab.heard.clear()

    def open(self, url: str) -> None:
        """Go to an address, which may lead on."""
        self.tab.ask("Page.navigate", url=url)
        self.wait()

    def wait(self) -> None:
        """Until the page is there."""
        until(lambda: self.asks("document.readyState") == "complete")

    def asks(self, script: str) -> Any:
        """What a script comes to; None while one page gives way to the next."""
        try:
            return self.tab.run(script)
        except AssertionError as failure:
            if "navigated" not in str(failure) and "context" not in str(failure):
                raise
            return None

    @property
    def path(self) -> str:
        """Where the person is."""
        return urlsplit(self.tab.run("location.href")).path

    @property
    def text(self) -> str:
        """What the page says."""
        return (self.asks("document.body ? document.body.innerText : ''") or "").replace("\u00a0", " ")

    def reads(self, *words: str) -> None:
        """Wait until the page says something."""
        for one in words:
            until(lambda one=one: one in self.text)

    def press(self, words: str) -> None:
        """Press what has these words on it, and wait for what comes of it."""
        place: list[Any] = []

        def there() -> bool:
            found = self.asks(f"({PRESSABLE})({json.dumps(words)})")
            place[:] = found or []
            return bool(found)

        until(there)
        x, y = place
        for type in ("mousePressed", "mouseReleased"):
            self.tab.ask("Input.dispatchMouseEvent", type=type, x=x, y=y, button="left", clickCount=1)
        self.wait()

    def clicks(self, selector: str) -> None:
        """Click on the first that is so, once it is there: the page may just be drawn anew."""
        find = f"document.querySelector({json.dumps(selector)})"
        until(lambda: self.asks(f"(found => found && (found.click(), true))({find})"))

    def goes_to(self, words: str) -> None:
        """Follow the navigation, which is behind a button where there is no room."""
        if self.is_narrow:
            self.clicks(".menu")
        self.press(words)

    def types(self, name: str, value: str, within: str = "main") -> None:
        """Fill in a field by its name."""
        find = f"document.querySelector('{within} [name={name}]:not([type=hidden])')"
        until(lambda: self.asks(f"(field => field && (field.value = {json.dumps(value)}, true))({find})"))

    def chooses(self, name: str, value: str) -> None:
        """Choose one of several."""
        self.clicks(f"main [name={name}][value={json.dumps(value)}]")

    def sees(self, folder: Path, name: str) -> None:
        """Keep a picture of the whole page."""
        size = self.tab.run("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 3000), "scale": 1}
        shot = self.tab.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def complaints(self, host: str) -> list[str]:
        """What went wrong: errors on the console, and requests that went to another host."""
        heard = [one["params"] for one in self.tab.heard]
        errors = [one["entry"]["text"] for one in heard if "entry" in one and one["entry"]["level"] == "error"]
        urls = [one["request"]["url"] for one in heard if "request" in one and "url" in one["request"]]
        others = [url for url in urls if not url.startswith("data:") and urlsplit(url).netloc != host]
        return [*self.tab.said, *errors, *others]
