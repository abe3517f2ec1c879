"""JSON as RapidJSON reads it for TF Serving: by orjson, else by the standard library, else by a parser of our own.

orjson refuses what RapidJSON takes: NaN, Inf, Infinity, anything after the document, bytes that are not UTF-8. The
standard library takes nearly all of that, at a fifth of orjson's speed. What it refuses too, or would take where
RapidJSON does not, is read once more, at a hundredth, with RapidJSON's rules, texts and offsets.
"""

import json
import math
import re
import time
from typing import Any, NoReturn

import orjson

from serving.server.errors import Code, StatusError, invalid

# Deeper nesting is refused by our own parser (and beyond 1024 by orjson). A tensor has at most 254 dimensions.
MAX_DEPTH = 256

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"[ \t\n\r]*")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]*)?")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX = re.compile(rb"[0-9a-fA-F]{4}")
_ESCAPES = {b'"': '"', b"\\": "\\", b"/": "/", b"b": "\b", b"f": "\f", b"n": "\n", b"r": "\r", b"t": "\t"}
_LITERALS: dict[bytes, Any] = {  # Infinity before Inf, the first that fits is taken
    b"null": None,
    b"true": True,
    b"false": False,
    b"NaN": float("nan"),
    b"-NaN": float("nan"),
    b"Infinity": float("inf"),
    b"-Infinity": float("-inf"),
    b"Inf": float("inf"),
    b"-Inf": float("-inf"),
}


def parse(body: bytes) -> Any:
    """The document in `body`.

    Bytes of a string that are not UTF-8 come back as surrogate escapes. Raises StatusError (INVALID_ARGUMENT) with
    RapidJSON's text and offset.
    """
    try:
        return parse_strictly(body)
    except ValueError:
        return parse_thoroughly(body)


def parse_strictly(body: bytes) -> Any:
    """The document in `body`, fast. Raises ValueError for what may still be a document to RapidJSON."""
    return orjson.loads(body)


def parse_thoroughly(body: bytes, until: float = math.inf) -> Any:
    """What `parse` does with a body that `parse_strictly` refuses; it may take seconds for a megabyte.

    Raises StatusError also (DEADLINE_EXCEEDED) for one that takes longer than `until`, a time of `time.monotonic`.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        return _parse_leniently(body)
    except (ValueError, RecursionError):
        return _Parser(body, until).document()


def _parse_leniently(body: bytes) -> Any:
    """By the standard library. Raises ValueError or RecursionError for what it cannot be trusted with."""
    text = body[_start(body) :].decode("utf-8", "surrogateescape").lstrip(" \t\n\r")
    if text[:1] not in {"{", "["}:
        raise ValueError("of a number it may take less than all")
    if _SURROGATE.search(body):
        raise ValueError("it takes half a pair of surrogates")
    return _LENIENT.raw_decode(text)[0]


def _number(digits: str) -> int | float:
    """A number as orjson reads it. Raises ValueError for one beyond double.

    Being Python it lets other threads in, which one call of the decoder for a whole tensor would not.
    """
    return orjson.loads(digits)


_LENIENT = json.JSONDecoder(parse_int=_number, parse_float=_number)


def _start(body: bytes) -> int:
    """Where the text begins."""
    return len(_BOM) if body.startswith(_BOM) else 0


def as_bytes(text: str) -> bytes:
    """A parsed string as the bytes that were sent."""
    return text.encode("utf-8", "surrogateescape")


class _Parser:
    """A recursive-descent parser; recursion is bounded by MAX_DEPTH."""

    def __init__(self, body: bytes, until: float = math.inf):
        self._body = body
        self._until = until
        self._at = _start(body)
        self._depth = 0

    def document(self) -> Any:
        self._skip_space()
        if self._at == len(self._body):
            self._fail("The document is empty.")
        return self._value()

    def _fail(self, text: str, at: int | None = None) -> NoReturn:
        raise invalid(f"JSON Parse error: {text} at offset: {self._at if at is None else at}")

    def _peek(self) -> bytes:
        return self._body[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[bytes]) -> bytes:
        """Step over what a pattern matches that also matches nothing. Nothing long is read without it."""
        if time.monotonic() > self._until:
            raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
        found = pattern.match(self._body, self._at)
        if found is None:
            return b""
        self._at = found.end()
        return found.group()

    def _skip_space(self) -> None:
        self._take(_SPACE)

    def _value(self) -> Any:
        first = self._peek()
        if first in {b"{", b"["}:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                self._fail(f"Nesting deeper than {MAX_DEPTH} levels.")
            nested = self._object() if first == b"{" else self._array()
            self._depth -= 1
            return nested
        if first == b'"':
            return self._string()
        for literal, value in _LITERALS.items():
            if self._body.startswith(literal, self._at):
                self._at += len(literal)
                return value
        return self._number()

    def _object(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self._at += 1
        self._skip_space()
        if self._peek() == b"}":
            self._at += 1
            return members
        while True:
            if self._peek() != b'"':
                self._fail("Missing a name for object member.")
            name = self._string()
            self._skip_space()
            if self._peek() != b":":
                self._fail("Missing a colon after a name of object member.")
            self._at += 1
            self._skip_space()
            members[name] = self._value()
            if self._ended(b"}", "Missing a comma or } after an object member."):
                return members

    def _array(self) -> list[Any]:
        values: list[Any] = []
        self._at += 1
        self._skip_space()
        if self._peek() == b"]":
            self._at += 1
            return values
        while True:
            values.append(self._value())
            if self._ended(b"]", "Missing a comma or ] after an array element."):
                return values

    def _ended(self, closing: bytes, otherwise: str) -> bool:
        """Step over `closing` (True) or a comma (False)."""
        self._skip_space()
        found = self._peek()
        if found not in {closing, b","} or not found:
            self._fail(otherwise)
        self._at += 1
        self._skip_space()
        return found == closing

    def _number(self) -> int | float:
        match = _NUMBER.match(self._body, self._at)
        if match is None:
            self._fail("Invalid value.", self._at + max(self._matching(literal) for literal in _LITERALS))
        fraction, exponent = match.groups()
        if fraction == b".":
            self._fail("Miss fraction part in number.", match.end(1))
        if exponent and not exponent[-1:].isdigit():
            self._fail("Miss exponent in number.", match.end())
        start, self._at = self._at, match.end()
        if fraction is None and exponent is None:
            return self._integer(match.group(), start)
        value = float(match.group())
        if value in {float("inf"), float("-inf")}:
            self._fail("Number too big to be stored in double.", start)
        return value

    def _matching(self, literal: bytes) -> int:
        """How many bytes of `literal` are there."""
        return next((n for n in range(len(literal), 0, -1) if self._body.startswith(literal[:n], self._at)), 0)

    def _integer(self, digits: bytes, start: int) -> int | float:
        """An integer of at most 64 bits, else a double."""
        if len(digits) <= len("-9223372036854775808"):
            value = int(digits)
            if -(2**63) <= value < 2**64:
                return value
        number = float(digits)
        if number in {float("inf"), float("-inf")}:
            self._fail("Number too big to be stored in double.", start)
        return number

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            parts.append(self._take(_PLAIN).decode("utf-8", "surrogateescape"))
            found = self._peek()
            if found == b'"':
                self._at += 1
                return "".join(parts)
            if found == b"\\":
                parts.append(self._escape())
            elif not found:
                self._fail("Missing a closing quotation mark in string.")
            else:
                self._fail("Invalid encoding in string.")

    def _escape(self) -> str:
        start = self._at
        letter = self._body[start + 1 : start + 2]
        self._at += 2
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if letter != b"u":
            self._fail("Invalid escape character in string.", start)
        unit = self._hex(start)
        if not 0xD800 <= unit <= 0xDFFF:  # noqa: PLR2004  (the surrogates)
            return chr(unit)
        if unit > 0xDBFF or self._body[self._at : self._at + 2] != b"\\u":  # noqa: PLR2004
            self._fail("The surrogate pair in string is invalid.", start)
        self._at += 2
        low = self._hex(start)
        if not 0xDC00 <= low <= 0xDFFF:  # noqa: PLR2004
            self._fail("The surrogate pair in string is invalid.", start)
        return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))

    def _hex(self, start: int) -> int:
        digits = _HEX.match(self._body, self._at)
        if digits is None:
            self._fail("Incorrect hex digit after \\u escape in string.", start)
        self._at += 4
        return int(digits.group(), 16)
