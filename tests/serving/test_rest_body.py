"""Bodies that came as gzip."""

import gzip
import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.server.rest_body import BodyTooLargeError, decoded

NO_LIMIT = 2**30

# Of any length, and not to be compressed, so that zlib is given a member in many parts.
CONTENTS = st.builds(lambda seed, size: random.Random(seed).randbytes(size), st.integers(0, 99), st.integers(0, 5000))
BODIES = st.lists(CONTENTS, min_size=1, max_size=6).map(
    lambda contents: b"".join(gzip.compress(content, mtime=0) for content in contents)
)


@given(BODIES)
def test_members_are_put_together(body: bytes) -> None:
    content = gzip.decompress(body)
    assert decoded(body, NO_LIMIT) == content
    assert decoded(body, len(content)) == content


@given(BODIES, st.data())
def test_what_is_cut_short_is_empty(body: bytes, data: Any) -> None:
    part = body[: data.draw(st.integers(0, len(body) - 1))]
    try:
        expected = gzip.decompress(part)
    except (EOFError, gzip.BadGzipFile):  # the second for one byte
        expected = b""
    assert decoded(part, NO_LIMIT) == expected


@given(BODIES.filter(gzip.decompress), st.data())
def test_one_byte_too_many_is_refused(body: bytes, data: Any) -> None:
    limit = data.draw(st.integers(0, len(gzip.decompress(body)) - 1))
    with pytest.raises(BodyTooLargeError, match=f"request body is larger than {limit} bytes"):
        decoded(body, limit)


class Counted:
    """zlib, counting what it is given and what it copies at the end of a member."""

    fed = copied = 0

    def __init__(self, member: Any):
        self._member = member

    def decompress(self, data: Any, most: int) -> bytes:
        Counted.fed += len(data)
        part: bytes = self._member.decompress(data, most)
        Counted.copied += len(self._member.unused_data)
        return part

    def __getattr__(self, name: str) -> Any:
        return getattr(self._member, name)


@pytest.mark.parametrize("content", [b"", b"a", random.Random(1).randbytes(1000), random.Random(2).randbytes(100_000)])
def test_the_work_grows_as_the_body_does(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    make = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", lambda *args: Counted(make(*args)))
    monkeypatch.setattr(Counted, "fed", 0)
    monkeypatch.setattr(Counted, "copied", 0)
    member = gzip.compress(content, mtime=0)
    count = 3_000_000 // len(member)
    assert decoded(member * count, NO_LIMIT) == content * count
    assert Counted.fed <= 4 * len(member) * count
    assert Counted.copied <= 3 * len(member) * count
