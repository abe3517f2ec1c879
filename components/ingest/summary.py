"""What ingest leaves beside the examples: a summary and a list of the rows set aside; and whether to go on."""

import csv
import io
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from components.ingest.errors import DataError
from components.ingest.rows import DAMAGED
from components.ingest.settings import DataSettings, is_folder
from components.ingest.tally import Tally
from components.ingest.units import Unit, shown

SUMMARY_FILE = "ingest.json"
REJECTS_FILE = "rejected.csv"
_NAMED = 3  # reasons in a message
_MIN_DISTINCT = 2


class Rejected(BaseModel):
    """The rows set aside for one reason."""

    model_config = ConfigDict(frozen=True)

    rows: int
    first: str = Field(description="FILE:LINE, or the FILE, of the first of them.")


class Summary(BaseModel):
    """What became of the rows: `rows` = the sum of `kept` + `duplicates` + the sum of `rejected`."""

    model_config = ConfigDict(frozen=True)

    files: list[str]
    rows: int = Field(description="Rows read.")
    kept: dict[str, int] = Field(description="Rows kept, by split.")
    duplicates: int = Field(description="Rows dropped because an earlier one has the same two parts.")
    rejected: dict[str, Rejected] = Field(description="Rows set aside, by reason, the most frequent first.")
    distinct: dict[str, int] = Field(description="Different values among the usable rows, by feature.")

    @property
    def bad(self) -> int:
        """Rows set aside."""
        return sum(rejected.rows for rejected in self.rejected.values())

    @classmethod
    def of(cls, tally: Tally, units: Sequence[Unit], settings: DataSettings) -> Self:
        """Puts names to what was counted."""
        return cls(
            files=[f"{settings.path}/*/*"] if is_folder(settings.format) else [shown(unit.files[0]) for unit in units],
            rows=tally.rows,
            kept={split: tally.kept[split] for split in settings.splits.shares},
            duplicates=tally.duplicates,
            rejected={
                reason: Rejected(rows=count, first=_place(units, *tally.first[reason]))
                for reason, count in sorted(tally.rejected.items(), key=lambda item: (-item[1], item[0]))
            },
            distinct={name: tally.distinct[name] for name in (*settings.parts, "group")},
        )


def _place(units: Sequence[Unit], unit: int, line: int) -> str:
    file, number = units[unit].place(line)
    return file if number is None else f"{file}:{number}"


def list_of_rejects(tally: Tally, units: Sequence[Unit]) -> str:
    """A CSV table of the rows set aside, sorted by file and line."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("file", "line", "reason", "detail", "excerpt"))
    table.writerows((*units[unit].place(rejected.line), *rejected[1:]) for unit, rejected in tally.listed)
    unlisted = tally.rejected.total() - len(tally.listed)
    if unlisted:
        table.writerow(("", "", f"and {unlisted} more rows", "", ""))
    return text.getvalue()


def require_usable(summary: Summary, settings: DataSettings, rejects: str) -> None:
    """Stops a run whose data cannot be learnt from.

    Args:
        summary: what was ingested.
        settings: what was asked for.
        rejects: where the list of rows set aside can be read afterwards.

    Raises:
        DataError: a file is damaged, too many rows are bad, none is left, all have the same answer or label, or a
        split is empty.
    """
    first, second = settings.parts
    kept = sum(summary.kept.values())
    reasons = f"{_reasons(summary)}; the list is in {rejects}"
    if DAMAGED in summary.rejected:
        raise DataError(
            f"A file is damaged: nothing can be read from {summary.rejected[DAMAGED].first} on; write it anew."
        )
    if summary.bad > settings.max_bad_fraction * summary.rows:
        raise DataError(
            f"{summary.bad} of {summary.rows} rows ({summary.bad / summary.rows:.1%}) are bad, more than"
            f" data.max_bad_fraction = {settings.max_bad_fraction:g} allows: {reasons}."
        )
    if not kept:
        raise DataError(f"None of {summary.rows} rows is left: {reasons}.")
    for part in (second, first):
        if summary.distinct[part] < _MIN_DISTINCT:
            raise DataError(
                f"All {kept} rows left have the same {part}; there must be {_MIN_DISTINCT} or more different ones."
            )
    empty = [split for split, rows in summary.kept.items() if not rows]
    if empty:
        shares = ":".join(str(share) for share in settings.splits.shares.values())
        raise DataError(
            f"No row fell into the split {' or '.join(empty)}: {kept} rows make {summary.distinct['group']} groups"
            f" (by data.columns.group, else by {(first, second)[settings.GROUPED_BY]}), dealt out {shares};"
            " add rows of other groups, or give that split more in data.splits."
        )


def _reasons(summary: Summary) -> str:
    """The most frequent reasons, each with a place to look at."""
    named = [f"{reason} ({bad.rows}, first {bad.first})" for reason, bad in summary.rejected.items()]
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} other reasons" if more > 0 else "")
