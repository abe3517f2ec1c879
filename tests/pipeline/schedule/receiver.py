"""A web server that keeps what it is sent."""

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.web_service import WebService


class Receiver(WebService):
    """Answers `status` to the first `failures` POSTs and 204 to the others; all are kept in `bodies`."""

    def __init__(self, failures: int = 0, status: int = 503) -> None:
        self.bodies: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["content-type"] == "application/json"
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(status if len(receiver.bodies) <= failures else 204)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        super().__init__(Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?token=secret"
