"""A POST for each run that fails or is refused: in a thread, bounded in time, so that no schedule waits for it."""

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from components.errors import UserError
from pipeline.schedule.attempt import Record

TIMEOUT = 10.0
"""Seconds for one answer."""

TRIES = 4

BACKOFF = 1.0
"""The second try follows at once, the third after twice as many seconds, the fourth after four times as many; or after
what Retry-After of an answer says."""

_PATIENCE = 20.0
"""Seconds that the end of a schedule waits for what is still to be sent."""

_WORTH_RETRYING = (408, 429, 500, 502, 503, 504)


class Webhook:
    """Where failures are told. The URL may hold a secret, so only its host is ever printed."""

    def __init__(self, url: str, say: Callable[[str], None], *, backoff: float = BACKOFF) -> None:
        """Take note of it.

        Raises:
            UserError: it is no address of a web server.
        """
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise UserError("--webhook: must be an address that begins with http:// or https:// and a host")
        self._url, self._host, self._say, self._backoff = url, host, say, backoff
        self._sending: list[threading.Thread] = []

    def tell(self, record: Record) -> None:
        """Send a record, and in `text` a sentence about it, which is what chat servers show; returns at once."""
        why = record.error or "; ".join(record.refused_by) or record.outcome
        body = record.model_dump(mode="json") | {"text": f"Anchorline: {record.pipeline} was not pushed: {why}"}
        thread = threading.Thread(target=self._send, args=(body,), daemon=True, name="webhook")
        thread.start()
        self._sending = [*(one for one in self._sending if one.is_alive()), thread]

    def finish(self) -> None:
        """Wait a while for what is still to be sent."""
        deadline = time.monotonic() + _PATIENCE
        for thread in self._sending:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _send(self, body: dict[str, Any]) -> None:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import Retry

        retries = Retry(
            total=TRIES - 1,
            backoff_factor=self._backoff,
            status_forcelist=_WORTH_RETRYING,
            allowed_methods=["POST"],
            raise_on_status=False,
        )
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retries))
            try:
                answer = session.post(self._url, json=body, timeout=TIMEOUT)
            except requests.RequestException as error:
                self._say(f"the webhook at {self._host} was not reached: {type(error).__name__}")
            else:
                if not answer.ok:
                    self._say(f"the webhook at {self._host} answered {answer.status_code}")
