"""Headless Chromium, driven through its DevTools protocol over a pipe."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any, Self

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS = [
    "--headless=new",
    "--no-sandbox",  # needs user namespaces, which containers and root lack; only our own page is looked at
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
]
_TIMEOUT = 30.0


class Browser:
    """One tab. `problems` collects what the page's console would show in red."""

    def __init__(self) -> None:
        assert PROGRAM, "there is no Chromium"
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        (theirs_in, self._out), (self._in, theirs_out) = _pipe(), _pipe()
        moves = [(os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4)]
        quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        arguments = [PROGRAM, *_FLAGS, f"--user-data-dir={self._profile.name}"]
        self._pid = os.posix_spawn(PROGRAM, arguments, os.environ, file_actions=[*quiet, *moves], setsid=True)
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.problems: list[str] = []
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                self.call(f"{domain}.enable")
        except BaseException:
            self.close()
            raise

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + _TIMEOUT
        while not self.evaluate(f"!!({expression})"):
            assert time.monotonic() < deadline, f"{expression} stays false; the page reads:\n{self.text()}"
            time.sleep(0.02)

    def open(self, url: str, *, width: int = 1280, dark: bool = False) -> None:
        """Load a page and wait until it has looked for models."""
        height = 800
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState == 'complete' && !!document.querySelector('#serving')")
        self.wait_for("!document.querySelector('#serving').textContent.startsWith('Looking')")

    def text(self) -> str:
        """What a reader sees."""
        return self.evaluate("document.body?.innerText ?? ''")

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key, as in `Enter`, `Tab` or ` `."""
        codes = {"Enter": 13, "Tab": 9, " ": 32, "ArrowDown": 40}
        shared = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key], "modifiers": modifiers}
        character = {"Enter": "\r", " ": " "}.get(key)
        down = {"type": "keyDown", "text": character} if character else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **shared, **down)
        self.call("Input.dispatchKeyEvent", **shared, type="keyUp")

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file as a user does in the dialog."""
        found = self.call("Runtime.evaluate", expression=f"document.querySelector({selector!r})")["result"]
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=found["objectId"])

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG file."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def close(self) -> None:
        """End the browser and all its processes."""
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._in], [], [], _TIMEOUT)[0], "Chromium says nothing"
            part = os.read(self._in, 2**20)
            assert part, "Chromium has ended"
            self._buffer += part
        raw, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(raw)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, event: str | None, parameters: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Log.entryAdded" and parameters["entry"]["level"] in {"error", "warning"}:
            self.problems.append(parameters["entry"]["text"])
        elif event == "Runtime.consoleAPICalled" and parameters["type"] in {"error", "warning", "assert"}:
            self.problems.append(str(parameters["args"]))


def _pipe() -> tuple[int, int]:
    """A pipe whose ends are out of the way of the numbers that the child wants."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
