"""What happens to bytes that were a proper request: parts are cut out, put in, doubled, overwritten."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

_MOST_EDITS = 6

# What readers of JSON, protobuf and HTTP have been known to trip over.
_TRICKY = [
    *(b"\x00", b"\xff", b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r\n", b"\r\n\r\n", b"\n", b" "),
    *(b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udc00", b"{", b"}", b"[", b"]", b",", b":", b"[]", b"{}", b"null"),
    *(b"-", b"-0", b"1e999", b"-1e-999", b"NaN", b"-Infinity", b"0.1", b"18446744073709551616", b"9" * 400, b"true"),
    *(b"/", b"//", b"..", b"%", b"%00", b"%ff", b"%2f", b"?", b"#", b"*", b";", b"=", b"0", b"-1", b"ffffffffffffffff"),
    *(b"\x08", b"\x12", b"\x1a", b"\xff\xff\xff\xff\x0f", b"\x80" * 10 + b"\x01", b"\xff" * 9 + b"\x01"),
]


class Edit(NamedTuple):
    """From the byte at `place` (counted round and round) `removed` bytes give way to `inserted`."""

    place: int
    removed: int
    inserted: bytes

    def apply(self, data: bytes) -> bytes:
        """What becomes of the data."""
        start = self.place % (len(data) + 1)
        return data[:start] + self.inserted + data[start + self.removed :]


def _inserted() -> st.SearchStrategy[bytes]:
    short = st.binary(max_size=4) | st.sampled_from(_TRICKY)
    return short | st.builds(lambda part, times: part * times, short, st.sampled_from([2, 16, 300, 5000]))


EDITS = st.builds(Edit, st.integers(0, 2**16), st.just(0) | st.integers(1, 40) | st.just(2**20), _inserted())


def edited(originals: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the originals after a few edits."""

    def apply(original: bytes, edits: list[Edit]) -> bytes:
        for edit in edits:
            original = edit.apply(original)
        return original

    return st.builds(apply, st.sampled_from(originals), st.lists(EDITS, min_size=1, max_size=_MOST_EDITS))
