"""A real browser without a window, spoken to over two pipes: no driver and no port is needed."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "no Chromium was found: install it (Debian, Ubuntu: apt-get install chromium; macOS: "
    "brew install --cask chromium), or name one in CHATAPP_BROWSER"
)
TIMEOUT = 60.0

# The browser reads requests from file 3 and writes answers to file 4.
_START = (
    "import os, sys; reads, writes = map(int, sys.argv[1:3]); "
    "copies = os.dup(reads), os.dup(writes); "
    "os.dup2(copies[0], 3); os.dup2(copies[1], 4); "
    "os.set_inheritable(3, True); os.set_inheritable(4, True); "
    "os.execvp(sys.argv[3], sys.argv[3:])"
)


def found() -> str | None:
    """The browser on this machine: ``$CHATAPP_BROWSER``, or one with a usual name."""
    return os.environ.get("CHATAPP_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page of a running browser."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._session = ""
        self._count = 0
        self._rest = b""
        self._events: list[dict[str, Any]] = []
        self._asked: dict[str, str] = {}

    def open(self) -> None:
        """Begin: a new tab that tells of every request."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = session["sessionId"]
        self.ask("Network.enable")
        self.ask("Page.enable")

    def go(self, path: Path) -> None:
        """Open a file, and wait until everything it asks for came or failed."""
        self._asked.clear()
        self._events.clear()
        self.ask("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._read()

    @property
    def requests(self) -> list[str]:
        """The addresses that the page asked for."""
        self.value("0")  # what it told before this is read then
        return list(self._asked.values())

    def look(self, width: int, height: int, **media: str) -> None:
        """Take a size and media features, such as ``prefers_color_scheme="dark"``."""
        phone = width < 600
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items()]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def value(self, script: str) -> Any:
        """What ``script`` evaluates to."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Write what is seen as a PNG; ``whole``: with all that one would have to scroll to."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command of the browser's protocol and wait for its answer."""
        self._count += 1
        asked = {"id": self._count, "method": method, "params": params}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._writes, json.dumps(asked).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + TIMEOUT
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._reads], [], [], max(0, until - time.monotonic()))
            assert ready, f"the browser did not answer within {TIMEOUT:.0f} s"
            came = os.read(self._reads, 1 << 16)
            assert came, "the browser ended"
            self._rest += came
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        says = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self._asked[says["requestId"]] = says["request"]["url"]
        elif message.get("method") == "Network.loadingFailed" and says.get("blockedReason"):
            # The page's own policy stopped it: it never left the browser.
            self._asked.pop(says["requestId"], None)
        if "method" in message:
            self._events.append(message)
        return message


@contextmanager
def running(browser: str, profile: Path) -> Iterator[Tab]:
    """A browser with an empty profile, and a tab in it."""
    their_reads, our_writes = os.pipe()
    our_reads, their_writes = os.pipe()
    options = [
        "--headless=new",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # it refuses to run as root with it
    process = subprocess.Popen(
        [sys.executable, "-c", _START, str(their_reads), str(their_writes), browser, *options],
        pass_fds=(their_reads, their_writes),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(their_reads)
    os.close(their_writes)
    try:
        tab = Tab(our_reads, our_writes)
        tab.open()
        yield tab
    finally:
        # Without its pipe it ends by itself; what does not is ended.
        os.close(our_writes)
        os.close(our_reads)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
