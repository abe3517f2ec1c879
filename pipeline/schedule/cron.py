"""Cron expressions, read as cron reads them, in the words of those who act on them: APScheduler, systemd, Kubeflow.

APScheduler's own reading differs: it counts weekdays from Monday and wants day and weekday to match both.
"""

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from components.errors import UserError

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


class CronError(UserError):
    """The expression or the time zone is wrong; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class _Field:
    """What one place of an expression may hold."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """Words for the numbers from `low` on."""

    def number(self, word: str) -> int:
        """A number or a name."""
        if word.lower() in self.names:
            return self.low + self.names.index(word.lower())
        if not word.isdecimal() or not self.low <= int(word) <= self.high:
            words = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise CronError(f"{self.name} {word} is not allowed; {self.low} to {self.high}{words} are")
        return int(word)

    def values(self, text: str) -> frozenset[int]:
        """All that `text` allows: numbers, ranges and steps, separated by commas."""
        found: set[int] = set()
        for part in text.split(","):
            match = _PART.fullmatch(part)
            if not match or (match["first"] == "*" and match["last"]):
                raise CronError(f"{self.name} {part!r} is not understood; write 5, 1-5, */15 or 1,15")
            found |= set(self._range(part, match["first"], match["last"], match["step"]))
        return frozenset(found)

    def _range(self, part: str, first: str, last: str | None, step: str | None) -> range:
        if first == "*":
            low, high = self.low, self.high
        else:
            low = self.number(first)
            high = self.number(last) if last else (self.high if step else low)
        if self is _WEEKDAY and last and low > high == 0:
            high = 7  # a week may end on Sunday
        if high < low:
            raise CronError(f"{self.name} {part!r} runs backwards; write the smaller one first")
        if step is not None and int(step) == 0:
            raise CronError(f"{self.name} {part!r} has steps of 0; 1 is the smallest")
        return range(low, high + 1, int(step or 1))


_WEEKDAY = _Field("weekday", 0, 7, WEEKDAYS)
_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _WEEKDAY,
)
_NAMES = [field.name for field in _FIELDS]
_FULL = (60, 60, 24, 31, 12, 7)


@dataclass(frozen=True, slots=True)
class Cron:
    """One expression: what each place allows, Sunday being 0.

    Attributes:
        text: the expression as it was given.
        either: day and weekday were both given, and one of them is enough.
    """

    text: str
    second: frozenset[int]
    minute: frozenset[int]
    hour: frozenset[int]
    day: frozenset[int]
    month: frozenset[int]
    weekday: frozenset[int]
    either: bool

    @property
    def _places(self) -> tuple[frozenset[int], ...]:
        return self.second, self.minute, self.hour, self.day, self.month, self.weekday

    def is_full(self, place: str) -> bool:
        """Whether one place allows everything."""
        return len(getattr(self, place)) == _FULL[_NAMES.index(place)]

    def days(self) -> list[tuple[frozenset[int] | None, frozenset[int] | None]]:
        """Pairs of days and weekdays, none for all; a date is meant when it fits both of any pair."""
        day = None if self.is_full("day") else self.day
        weekday = None if self.is_full("weekday") else self.weekday
        if not self.either:
            return [(day, weekday)]
        return [(day, None), (None, weekday)] if day and weekday else [(None, None)]

    def on_calendar(self, zone: str | None) -> list[str]:
        """The same as OnCalendar= lines of a systemd timer, whose union is meant.

        Args:
            zone: name of a time zone; none is that of the machine.
        """
        time = ":".join(self._listed(place, "02d") for place in ("hour", "minute", "second"))
        lines = []
        for day, weekday in self.days():
            on = ",".join(WEEKDAYS[number].capitalize() for number in sorted(weekday)) + " " if weekday else ""
            date = ",".join(f"{number:02d}" for number in sorted(day)) if day else "*"
            lines.append(f"{on}*-{self._listed('month', '02d')}-{date} {time}" + (f" {zone}" if zone else ""))
        return lines

    def six_fields(self) -> str:
        """The same for Kubeflow Pipelines: seconds first, weekdays from 0, no names.

        Raises:
            CronError: it cannot be said there, where day and weekday are never wanted both at once.
        """
        days = self.days()
        if len(days) == 1 and all(days[0]):
            raise CronError(f"--cron {self.text!r}: means both day and weekday, where Kubeflow would take either")
        every_day = days == [(None, None)]
        listed = ("*" if every_day and name in ("day", "weekday") else self._listed(name) for name in _NAMES)
        return " ".join(listed)

    def _listed(self, place: str, form: str = "d") -> str:
        return "*" if self.is_full(place) else ",".join(format(number, form) for number in sorted(getattr(self, place)))


def parse_cron(text: str) -> Cron:
    """Read `minute hour day month weekday`, with seconds before them if wanted, or a nickname such as @daily.

    Raises:
        CronError: one sentence on what is wrong.
    """
    words = _NICKNAMES.get(text.strip().lower(), text).split()
    if len(words) == len(_FIELDS) - 1:
        words = ["0", *words]
    try:
        if len(words) != len(_FIELDS):
            nicknames = ", ".join(_NICKNAMES)
            raise CronError(f"must be minute, hour, day, month and weekday, as in '0 3 * * *', or one of {nicknames}")
        second, minute, hour, day, month, weekday = (
            field.values(word) for field, word in zip(_FIELDS, words, strict=True)
        )
    except CronError as error:
        raise CronError(f"--cron {text!r}: {error}") from None
    either = not (words[3].startswith("*") or words[5].startswith("*"))
    return Cron(text, second, minute, hour, day, month, frozenset(number % 7 for number in weekday), either)


class Times:
    """When an expression comes due in a time zone, told by APScheduler's triggers."""

    def __init__(self, cron: Cron, zone: datetime.tzinfo) -> None:
        self._cron, self._zone = cron, zone
        self._trigger = _trigger(cron, zone)
        if self._trigger.get_next_fire_time(None, datetime.datetime.now(zone)) is None:
            raise CronError(f"--cron {cron.text!r}: there is no such date")

    def next(self, after: datetime.datetime) -> datetime.datetime:
        """The first time after another, in UTC.

        A time that a change of the clock leaves out comes as much later; of a time that comes twice the second is left
        out, unless every hour is meant.
        """
        moment = after
        while True:
            # Steps are taken in UTC: arithmetic in a zone with summer time goes by what the clock on the wall shows.
            moment = (moment.astimezone(datetime.UTC) + datetime.timedelta(microseconds=1)).astimezone(self._zone)
            found = self._trigger.get_next_fire_time(None, moment)
            assert found is not None, "dates come every year"  # noqa: S101
            moment = found.astimezone(datetime.UTC)
            if not moment.astimezone(self._zone).fold or self._cron.is_full("hour"):
                return moment


def _trigger(cron: Cron, zone: datetime.tzinfo) -> BaseTrigger:
    return OrTrigger(
        [
            CronTrigger(
                timezone=zone,
                month=_joined(cron.month),
                day=_joined(day) if day else "*",
                day_of_week=_joined(WEEKDAYS[number] for number in sorted(weekday)) if weekday else "*",
                hour=_joined(cron.hour),
                minute=_joined(cron.minute),
                second=_joined(cron.second),
            )
            for day, weekday in cron.days()
        ]
    )


def _joined(values: Iterable[int] | Iterable[str]) -> str:
    return ",".join(map(str, values))


def find_zone(name: str | None) -> datetime.tzinfo:
    """A time zone by its IANA name; none is that of this machine.

    Raises:
        CronError: there is no such zone.
    """
    from tzlocal import get_localzone

    if name is None:
        return get_localzone()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # what is no name, no zone, or a folder of zones
        raise CronError(
            f"--timezone {name}: there is no such time zone; names look like Europe/Stockholm or UTC"
        ) from None
