"""The frames of a GIF file, found without inflating them (GIF89a specification, CompuServe 1990)."""

_EXTENSION, _IMAGE, _COLOUR_TABLE = 0x21, 0x2C, 0x80


def frame_pixels(content: bytes) -> list[int]:
    """Width × height that each frame claims, up to the end or to where the file stops making sense.

    TensorFlow inflates all of them, even where only the first is wanted.
    """
    found = []
    try:
        at = 13 + _table_size(content[10])
        while content[at] in (_EXTENSION, _IMAGE):
            if content[at] == _IMAGE:
                width, height = (int.from_bytes(content[at + start : at + start + 2], "little") for start in (5, 7))
                found.append(width * height)
                at += 11 + _table_size(content[at + 9])  # descriptor, colour table, code size
            else:
                at += 2
            while content[at]:  # blocks of up to 255 bytes
                at += content[at] + 1
            at += 1
    except IndexError:
        pass
    return found


def _table_size(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & _COLOUR_TABLE else 0
