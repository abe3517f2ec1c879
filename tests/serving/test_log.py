import pytest

from serving.server.log import log, log_error


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("could not load ü/1 from /a b: 'x'", "could not load ü/1 from /a b: 'x'"),
        ("a\nserving b\r\x1b[2K\x00\x7f", r"a\nserving b\r\x1b[2K\x00\x7f"),
        ("a\u2028b\x85c", r"a\u2028b\x85c"),
    ],
)
def test_a_line_stays_one(capsys: pytest.CaptureFixture[str], line: str, expected: str) -> None:
    log(line)
    assert capsys.readouterr().err == f"{expected}\n"


def test_an_error_has_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise OSError("gone")
    except OSError as error:
        log_error(error)
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1]) == ("Traceback (most recent call last):", "OSError: gone")
