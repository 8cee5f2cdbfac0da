"""A real Chromium without a window, spoken to over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_SECONDS = 30
MOST_BYTES = 16 * 1024 * 1024
GOING = (  # how Chromium says that a page has gone for the next one
    "Inspected target navigated or closed",
    "Execution context was destroyed.",
    "Cannot find context with specified id",
)


def chromium() -> str | None:
    """Where a Chromium is, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Navigated(AssertionError):
    """The page that was asked went away for the next one before it could answer."""


class Tab:
    """One tab, its frames, and what its page has said on the console."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.numbers = itertools.count(1)
        self.said: list[str] = []
        self.heard: list[dict[str, Any]] = []  # what else it was told, of the domains that somebody has enabled
        for domain in ("Page", "Runtime"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setFocusEmulationEnabled", enabled=True)  # the clipboard is for pages in front

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers; what it tells meanwhile is kept if it is of the console."""
        number = next(self.numbers)
        self.connection.send(json.dumps({"id": number, "method": method, "params": params}))
        deadline = time.monotonic() + PATIENCE_SECONDS  # whatever else the browser tells meanwhile
        while True:
            message = json.loads(self.connection.recv(timeout=max(deadline - time.monotonic(), 0)))
            if message.get("method") == "Runtime.consoleAPICalled":
                self.said += [str(one.get("value")) for one in message["params"]["args"]]
            if message.get("method") == "Runtime.exceptionThrown":
                self.said.append(json.dumps(message["params"]["exceptionDetails"]))
            if message.get("method", "").startswith(("Log.", "Network.")):
                self.heard.append(message)
            if message.get("id") == number:
                if message.get("error", {}).get("message") in GOING:
                    raise Navigated(message)
                assert "error" not in message, message
                return message["result"]

    def open(self, url: str) -> None:
        """Go to an address, and wait until the page is there."""
        self.ask("Page.navigate", url=url)
        until(lambda: self.run("document.readyState") == "complete" and self.run("location.href").startswith(url))

    def run(self, script: str, **more: Any) -> Any:
        """What a script comes to in the page; a promise is waited for."""
        result = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True, **more
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def frames(self, path: str) -> list[str]:
        """The ids of the frames at a path, in the order of the page."""
        tree = self.ask("Page.getFrameTree")["frameTree"]
        return [one["frame"]["id"] for one in tree.get("childFrames", []) if one["frame"]["url"].endswith(path)]

    def inside(self, frame: str, script: str) -> Any:
        """What a script comes to in a frame, which the page itself could not run there."""
        context = self.ask("Page.createIsolatedWorld", frameId=frame)["executionContextId"]
        return self.run(script, contextId=context)

    def click(self, selector: str) -> None:
        """Click in the middle of something, as a person does."""
        x, y = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector('{selector}').getBoundingClientRect())"
        )
        for type in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=type, x=x, y=y, button="left", clickCount=1)

    def texts(self) -> list[str]:
        """What the Issuing Elements of the page show, in their order."""
        return [self.inside(frame, "document.body.innerText") for frame in self.frames("/v3/element")]


@contextlib.contextmanager
def browsing(program: str, home: Path) -> Iterator[Tab]:
    """A tab of a browser that is started, and stopped at the end. AssertionError where it does not start."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = {**os.environ, "HOME": str(home)}
    process = subprocess.Popen([program, *options, f"--user-data-dir={home}", "about:blank"], env=environment, **quiet)
    try:
        told = home / "DevToolsActivePort"
        until(lambda: told.is_file() and told.read_text().count("\n") == 1)
        port = told.read_text().split("\n")[0]
        told_pages = httpx.get(f"http://127.0.0.1:{port}/json", trust_env=False, timeout=PATIENCE_SECONDS).json()
        pages = [one for one in told_pages if one["type"] == "page"]
        url = pages[0]["webSocketDebuggerUrl"]
        # Between two tests nobody reads for minutes, while a page goes on telling things: a ping would not be answered.
        with connect(url, max_size=MOST_BYTES, proxy=None, ping_interval=None) as connection:
            yield Tab(connection)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds: other programs run on a clock of their own. A page that is going is asked again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(Navigated):
            if holds():
                return
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.02)
