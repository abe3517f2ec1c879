"""`anchorline schedule`: runs by the clock, one at a time, until a signal comes."""

import datetime
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from components.errors import UserError
from pipeline.config import PipelineConfig, load_config, override_arguments
from pipeline.lock import BusyError, is_locked, schedule_lock
from pipeline.schedule.attempt import Record, attempt, run_command
from pipeline.schedule.cron import Times, find_zone, parse_cron
from pipeline.schedule.signals import Signals
from pipeline.schedule.state import State, read_state, resume
from pipeline.schedule.systemd import units
from pipeline.schedule.webhook import Webhook

FOLDER = "schedule"
"""In the output folder: what a schedule leaves behind."""

STATE_FILE = "state.json"
LOG_FILE = "runs.jsonl"

_LOOK = 30.0
"""Seconds after which the clock is looked at anew: it may be set, or the machine may have slept."""

_LOOK_AT_LOCK = 1.0
"""Seconds between looks at whether a run of someone else has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """What the command line says; see its help."""

    config: Path
    overrides: Sequence[str] = ()
    cron: str | None = None
    timezone: str | None = None
    webhook: str | None = None
    once: bool = False
    systemd: bool = False


def schedule(options: ScheduleOptions, console: Console) -> int:
    """Keep a schedule until SIGINT or SIGTERM comes; lines of JSON go to standard output and to the log.

    Returns:
        The exit code: 0, or with `once` that of the run.

    Raises:
        UserError: expression, time zone or webhook are wrong, another process keeps this schedule, …
    """
    config = load_config(options.config, options.overrides)
    folder = config.output_folder / FOLDER

    def say(text: str) -> None:
        console.print(f"[dim]{datetime.datetime.now():%Y-%m-%d %H:%M:%S}[/] {escape(text)}", soft_wrap=True)

    webhook = Webhook(options.webhook, say) if options.webhook else None
    if options.systemd:
        _print_units(config, options, resume(read_state(folder / STATE_FILE), options.cron, options.timezone))
        return 0
    with Signals() as signals:
        keeper = _Keeper(config, options, webhook, signals, say)
        try:
            if options.once:
                record = keeper.run(_now())
                return _as_exit_code(record.exit_code) if record else 0
            with schedule_lock(config.output_folder):
                keeper.keep(resume(read_state(folder / STATE_FILE), options.cron, options.timezone))
        except OSError as error:
            raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
        finally:
            if webhook:
                webhook.finish()
    return 0


def _as_exit_code(code: int) -> int:
    """As shells tell of a process that a signal ended."""
    return 128 - code if code < 0 else code


@dataclass(frozen=True, slots=True)
class _Keeper:
    config: PipelineConfig
    options: ScheduleOptions
    webhook: Webhook | None
    signals: Signals
    say: Callable[[str], None]

    @property
    def folder(self) -> Path:
        return self.config.output_folder / FOLDER

    def keep(self, state: State) -> None:
        """Run whenever it is due. What comes due while a run goes on, or while nothing does, is one run in the end."""
        zone = find_zone(state.timezone)
        times = Times(parse_cron(state.cron), zone)
        self.folder.mkdir(parents=True, exist_ok=True)
        state.write(self.folder / STATE_FILE)
        while not self.signals.count:
            due = times.next(min(state.since, _now()))  # the clock may have been set back
            late = "was" if due < _now() else "is"
            self.say(f"{self.config.name} {late} due at {due.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}")
            self._wait_until(due)
            record = self.run(due)
            # Only now: a schedule that is killed in a run makes up for it when it starts again.
            if record and not self._was_interrupted(record):
                state = state.model_copy(update={"since": record.start})
                state.write(self.folder / STATE_FILE)
        self.say("stopped; what comes due is run when the schedule starts again")

    def run(self, due: datetime.datetime) -> Record | None:
        """One run as soon as no other goes on, with its line in the log; none where a signal came first."""
        while self._wait_for_others():
            command = run_command(self.options.config, self.options.overrides)
            record = attempt(
                command, folder=self.folder, name=self.config.name, due=due, signals=self.signals, say=self.say
            )
            if record.exit_code != BusyError.exit_code:  # someone was quicker
                self._keep_record(record)
                return record
        return None

    def _was_interrupted(self, record: Record) -> bool:
        return record.exit_code != 0 and self.signals.count > 1

    def _wait_until(self, due: datetime.datetime) -> None:
        while not self.signals.count:
            left = (due - _now()).total_seconds()
            if left <= 0:
                return
            self.signals.wait(min(left, _LOOK))

    def _wait_for_others(self) -> bool:
        """Until no process runs this pipeline; false where a signal came."""
        said = False
        while not self.signals.count:
            if not is_locked(self.config.output_folder):
                return True
            if not said:
                self.say("another run of this pipeline is going on; waits for its end")
                said = True
            self.signals.wait(_LOOK_AT_LOCK)
        return False

    def _keep_record(self, record: Record) -> None:
        line = record.model_dump_json() + "\n"
        with (self.folder / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        if self.webhook and record.exit_code:
            self.webhook.tell(record)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _print_units(config: PipelineConfig, options: ScheduleOptions, state: State) -> None:
    cron = parse_cron(state.cron)
    Times(cron, find_zone(state.timezone))
    file = options.config.absolute()
    sets = override_arguments(options.overrides)
    webhook = ["--webhook", options.webhook] if options.webhook else []
    command = [*_program(), "schedule", str(file), "--once", *sets, *webhook]
    sys.stdout.write(units(config.name, command, file.parent, cron, state.timezone))


def _program() -> list[str]:
    """This command line, with an absolute path."""
    given = os.environ.get("ANCHORLINE_PROGRAM")  # ./dev says how it was called
    if given is None:
        return [sys.executable, "-P", "-m", "pipeline"]
    program, *rest = shlex.split(given)
    return [str(Path(program).absolute()), *rest]
