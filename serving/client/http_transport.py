"""Bytes there and back by HTTP in threads: the standard library's connections, kept and used again."""

import http.client
import socket
import time
from collections import deque

from serving.client.errors import from_http, too_late, unreachable
from serving.client.tls import Tls

MAX_BYTES = 2**31 - 1
"""An answer may be as large as a protobuf message may."""

MAX_IDLE = 16
"""Connections that are kept for later."""

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}

_PART = 2**20


class HttpTransport:
    """Connections to one server; several threads may use it, each has a connection while it waits."""

    def __init__(self, host: str, port: int, tls: Tls | None):
        self._host, self._port = host.strip("[]"), port
        self._address = f"{host}:{port}"
        self._tls = tls.for_http() if tls else None
        self._idle: deque[http.client.HTTPConnection] = deque()
        self._is_closed = False

    def send(self, address: str, body: bytes, timeout: float) -> bytes:
        """The body of an answer of 200. Raises ServingError."""
        deadline = time.monotonic() + timeout
        try:
            status, answer = self._exchange(address, body, deadline)
        except TimeoutError as error:
            raise too_late(timeout) from error
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self._address, error) from error
        if status != http.client.OK:
            raise from_http(status, answer)
        return answer

    def _exchange(self, address: str, body: bytes, deadline: float) -> tuple[int, bytes]:
        method, path = address.split(" ", 1)
        while True:
            connection, is_used = self._take()
            try:
                _let_wait(connection, deadline)
                connection.request(method, path, body or None, HEADERS)
                connected = connection.sock
                connected.settimeout(_seconds_until(deadline))
                response = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                connection.close()
                if not is_used:
                    raise
                continue  # the server had closed a connection that was idle; that says nothing of the server
            except BaseException:
                connection.close()
                raise
            try:
                answer = _read_body(response, connected, deadline)
            except BaseException:
                connection.close()
                raise
            finally:
                response.close()
            self._give_back(connection)
            return response.status, answer

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        try:
            return self._idle.pop(), True
        except IndexError:
            pass
        if self._tls:
            return http.client.HTTPSConnection(self._host, self._port, context=self._tls), False
        return http.client.HTTPConnection(self._host, self._port), False

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None or len(self._idle) >= MAX_IDLE:  # the server closes it, or there are enough
            connection.close()
            return
        self._idle.append(connection)
        if self._is_closed:
            self.close()

    def close(self) -> None:
        """Close all connections that nobody uses; the others are closed when their request is done."""
        self._is_closed = True
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread was quicker
                return


def _read_body(response: http.client.HTTPResponse, connected: socket.socket, deadline: float) -> bytes:
    """The whole body, however small its pieces, before the deadline."""
    body = bytearray()
    while response.length != 0 and not response.isclosed():
        connected.settimeout(_seconds_until(deadline))
        body += response.read1(_PART)
        if len(body) > MAX_BYTES:
            raise http.client.HTTPException(f"the answer is larger than {MAX_BYTES} bytes")
    if response.length:
        raise http.client.IncompleteRead(bytes(body), response.length)
    return bytes(body)


def _let_wait(connection: http.client.HTTPConnection, deadline: float) -> None:
    """Bound connecting, or what a connected socket does next, by the deadline."""
    connection.timeout = _seconds_until(deadline)
    if connection.sock:
        connection.sock.settimeout(connection.timeout)


def _seconds_until(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
