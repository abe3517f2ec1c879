"""Expressions as cron reads them, held against plain counting and against systemd."""

import datetime
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schedule.cron import CronError, Times, find_zone, parse_cron

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime.datetime(2026, 3, 5, 9, 59, 30, tzinfo=UTC)  # a Thursday


def times(text: str, after: datetime.datetime = START, zone: datetime.tzinfo = UTC) -> Iterator[datetime.datetime]:
    schedule = Times(parse_cron(text), zone)
    while True:
        after = schedule.next(after)
        yield after


def shown(text: str, count: int, after: datetime.datetime = START, zone: datetime.tzinfo = UTC) -> list[str]:
    return [f"{time.astimezone(zone):%a %m-%d %H:%M:%S}" for time in islice(times(text, after, zone), count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 3 * * *", ["Fri 03-06 03:00:00", "Sat 03-07 03:00:00"]),
        ("*/25 * * * *", ["Thu 03-05 10:00:00", "Thu 03-05 10:25:00", "Thu 03-05 10:50:00", "Thu 03-05 11:00:00"]),
        ("5/20 10 * * *", ["Thu 03-05 10:05:00", "Thu 03-05 10:25:00", "Thu 03-05 10:45:00", "Fri 03-06 10:05:00"]),
        ("*/40 * * * * *", ["Thu 03-05 09:59:40", "Thu 03-05 10:00:00", "Thu 03-05 10:00:40"]),
        ("0 0 * * 0", ["Sun 03-08 00:00:00"]),
        ("0 0 * * 7", ["Sun 03-08 00:00:00"]),
        ("0 0 * * 1-3", ["Mon 03-09 00:00:00", "Tue 03-10 00:00:00", "Wed 03-11 00:00:00", "Mon 03-16 00:00:00"]),
        ("0 0 * * fri-SUN", ["Fri 03-06 00:00:00", "Sat 03-07 00:00:00", "Sun 03-08 00:00:00", "Fri 03-13 00:00:00"]),
        ("0 0 13 * 5", ["Fri 03-06 00:00:00", "Fri 03-13 00:00:00", "Fri 03-20 00:00:00"]),
        ("0 0 10 * 5", ["Fri 03-06 00:00:00", "Tue 03-10 00:00:00", "Fri 03-13 00:00:00"]),
        ("0 0 */2 * 1", ["Mon 03-09 00:00:00", "Mon 03-23 00:00:00", "Mon 04-13 00:00:00"]),
        ("0 12 1,15 feb,DEC *", ["Tue 12-01 12:00:00", "Tue 12-15 12:00:00", "Mon 02-01 12:00:00"]),
        ("0 0 29 2 *", ["Tue 02-29 00:00:00"]),
        ("@daily", ["Fri 03-06 00:00:00"]),
        ("@hourly", ["Thu 03-05 10:00:00", "Thu 03-05 11:00:00"]),
        ("@weekly", ["Sun 03-08 00:00:00"]),
        ("@monthly", ["Wed 04-01 00:00:00"]),
        ("@yearly", ["Fri 01-01 00:00:00"]),
    ],
)
def test_when_it_comes_due(text: str, expected: list[str]) -> None:
    assert shown(text, len(expected)) == expected


def test_a_time_is_after_the_one_before() -> None:
    exactly = datetime.datetime(2026, 3, 5, 10, 0, tzinfo=UTC)
    assert next(times("0 10 * * *", exactly)) == exactly + timedelta(days=1)
    assert next(times("0 10 * * *", exactly - timedelta(microseconds=1))) == exactly


def test_a_time_that_the_clock_leaves_out_comes_later() -> None:
    before = datetime.datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert shown("30 2 * * *", 2, before, BERLIN) == ["Sun 03-29 03:30:00", "Mon 03-30 02:30:00"]
    assert shown("30 * * * *", 15, before, BERLIN)[-4:] == [f"Sun 03-29 0{hour}:30:00" for hour in (0, 1, 3, 4)]


def test_a_time_that_comes_twice_is_due_once_unless_every_hour_is() -> None:
    before = datetime.datetime(2026, 10, 24, 23, tzinfo=UTC)
    assert [f"{time:%d %H:%M}" for time in islice(times("30 2 * * *", before, BERLIN), 2)] == ["25 00:30", "26 01:30"]
    assert [f"{time:%H:%M}" for time in islice(times("30 * * * *", before, BERLIN), 3)] == ["23:30", "00:30", "01:30"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 25 * * *", "--cron '0 25 * * *': hour 25 is not allowed; 0 to 23 are"),
        ("60 * * * *", "minute 60 is not allowed; 0 to 59 are"),
        ("0 0 0 * *", "day 0 is not allowed; 1 to 31 are"),
        ("0 0 * jam *", "month jam is not allowed; 1 to 12 or jan to dec are"),
        ("0 0 * * 8", "weekday 8 is not allowed; 0 to 7 or sun to sat are"),
        ("0 0 * * L", "weekday L is not allowed"),
        ("30-10 * * * *", "minute '30-10' runs backwards"),
        ("*/0 * * * *", "minute '*/0' has steps of 0"),
        ("*-5 * * * *", "minute '*-5' is not understood"),
        ("1, * * * *", "minute '' is not understood"),
        ("-1 * * * *", "minute '-1' is not understood"),
        ("0 3 * *", "must be minute, hour, day, month and weekday"),
        ("", "must be minute, hour, day, month and weekday"),
        ("@nightly", "or one of @yearly"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(text)
    assert sentence in str(caught.value)
    assert str(caught.value).startswith(f"--cron {text!r}: ")
    assert "\n" not in str(caught.value)


def test_a_date_that_never_comes_is_refused() -> None:
    with pytest.raises(CronError, match="there is no such date"):
        Times(parse_cron("0 0 30 2 *"), UTC)


@pytest.mark.parametrize("name", ["Europe/Stokholm", "Europe", "../etc/passwd", "", "/etc/localtime"])
def test_a_zone_that_is_none_is_named(name: str) -> None:
    with pytest.raises(CronError, match=f"--timezone {name}: there is no such time zone"):
        find_zone(name)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("0 3 * * *", "0 0 3 * * *"),
        ("*/20 8-10 * jan 7", "0 0,20,40 8,9,10 * 1 0"),
        ("5 * * * * *", "5 * * * * *"),
        ("0 0 13 * 5", "0 0 0 13 * 5"),
        ("0 0 */10 * *", "0 0 0 1,11,21,31 * *"),
        ("0 3 1-31 * 1", "0 0 3 * * *"),
        ("0 3 13 * 0-6", "0 0 3 * * *"),
    ],
)
def test_kubeflow_takes_six_numbers(text: str, fields: str) -> None:
    assert parse_cron(text).six_fields() == fields


def test_what_kubeflow_would_take_otherwise_is_refused() -> None:
    with pytest.raises(CronError, match="means both day and weekday"):
        parse_cron("0 0 */2 * 1").six_fields()


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    return st.one_of(
        st.just("*"),
        number.map(str),
        span,
        st.integers(2, 9).map(lambda step: f"*/{step}"),
        span.map(lambda s: s + "/2"),
    )


EXPRESSIONS = st.tuples(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12), _field(0, 6)).map(" ".join)


@given(text=EXPRESSIONS, start=st.datetimes(datetime.datetime(2026, 1, 1), datetime.datetime(2029, 1, 1)))
@settings(max_examples=60, deadline=None)
def test_it_is_what_counting_minutes_finds(text: str, start: datetime.datetime) -> None:
    start = start.replace(tzinfo=UTC)
    assert next(times(text, start)) == _by_counting(text, start)


def _by_counting(text: str, after: datetime.datetime) -> datetime.datetime:
    """The next minute that fits, by the words of crontab(5)."""

    def fits(part: str, value: int, low: int, high: int) -> bool:
        span, _, step = part.partition("/")
        first, _, last = span.replace("*", f"{low}-{high}").partition("-")
        return int(first) <= value <= int(last or first) and (value - int(first)) % int(step or 1) == 0

    minute, hour, day, month, weekday = text.split()
    moment = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while True:
        on_day = fits(day, moment.day, 1, 31)
        on_weekday = fits(weekday, moment.isoweekday() % 7, 0, 6)
        both = day.startswith("*") or weekday.startswith("*")
        if not fits(month, moment.month, 1, 12) or not ((on_day and on_weekday) if both else (on_day or on_weekday)):
            moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
        elif fits(hour, moment.hour, 0, 23) and fits(minute, moment.minute, 0, 59):
            return moment
        else:
            moment += timedelta(minutes=1)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here to be asked")
@pytest.mark.parametrize(
    "text",
    [
        "0 3 * * *",
        "*/25 1,5 * * *",
        "10 4 1-7 mar,apr *",
        "0 0 * * 5-7",
        "0 0 13 * 5",
        "0 0 */2 * 1",
        "30 4 10 * mon-wed",
    ],
)
def test_systemd_is_told_the_same(text: str) -> None:
    start = datetime.datetime(2026, 3, 28, 12, 0, 1, tzinfo=UTC)  # the day before the clock is changed
    union: set[str] = set()
    for line in parse_cron(text).on_calendar("Europe/Berlin"):
        command = ["systemd-analyze", "calendar", "--iterations=8", f"--base-time={start:%Y-%m-%d %H:%M:%S} UTC", line]
        said = subprocess.run(command, capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"})
        union |= set(re.findall(r"(?:elapse|#\d+): \w+ (\S+ \S+) UTC", said.stdout))
    ours = [f"{time:%Y-%m-%d %H:%M:%S}" for time in islice(times(text, start, BERLIN), 8)]
    assert sorted(union)[:8] == ours
