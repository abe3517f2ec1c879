"""Ingest as a Beam job. The files are read twice, so that what is in a row is never held nor sent anywhere.

The first pass counts, sets bad rows aside and finds repeated rows by digests of them; the second writes what is left.
Pictures are decoded in the first alone.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils
from tfx.types.standard_component_specs import CUSTOM_CONFIG_KEY, EXAMPLES_KEY, INPUT_BASE_KEY

from components.ingest.check import check_units
from components.ingest.dealer import Dealer
from components.ingest.examples import ExampleMaker
from components.ingest.job import unpack
from components.ingest.repeats import Buckets, Entry, digest, find_repeats
from components.ingest.rows import Reject
from components.ingest.settings import DataSettings
from components.ingest.shards import ShardWriter, shards_of
from components.ingest.source import files_of
from components.ingest.summary import REJECTS_FILE, SUMMARY_FILE, Summary, list_of_rejects, require_usable
from components.ingest.tally import Tally
from components.ingest.units import Unit, read_records, units_of

_PLAN = "_ingest_plan"  # key of the Plan among the execution properties
_TALLY, _BAD = "tally", "bad"  # tags of side outputs


class Plan(NamedTuple):
    """What one job does: `units`, in the order of their files, become examples in `folder`."""

    settings: DataSettings
    units: tuple[Unit, ...]
    folder: str


@beam.typehints.with_output_types(tuple[str, list])
class SurveyUnit(beam.DoFn):
    """First pass over one unit: batches of entries by bucket; as side outputs its tally and the places of bad rows."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def process(self, element: tuple[int, Unit]) -> Iterator[Any]:
        """Takes (number, unit); yields (bucket, entries), tagged (number, line)s and one tagged Tally."""
        number, unit = element
        settings = self._plan.settings
        tally = Tally()
        dealer = Dealer(settings.splits.shares)
        rows, seconds, groups = Buckets[Entry]("row"), Buckets[bytes]("second"), Buckets[bytes]("group")
        for item in read_records(unit, settings):
            tally.rows += 1
            if isinstance(item, Reject):
                tally.set_aside(number, item)
                yield TaggedOutput(_BAD, (number, item.line))
                continue
            first, second = (digest(value) for value in item.values)
            group = digest(item.group)
            yield from rows.add(first, (first + second, number, item.line, dealer.split_of(item.group)))
            yield from seconds.add(second, second)
            yield from groups.add(group, group)
        for buckets in (rows, seconds, groups):
            yield from buckets.rest()
        yield TaggedOutput(_TALLY, tally)


@beam.typehints.with_output_types(tuple[int, int])
class SurveyBucket(beam.DoFn):
    """Looks through all entries of one bucket."""

    def __init__(self, parts: Iterable[str]) -> None:
        self._first, self._second = parts

    def process(self, element: tuple[str, Iterable[list[Any]]]) -> Iterator[Any]:
        """Takes (bucket, batches); yields the (unit number, line) of each repeated row, and one tagged Tally."""
        bucket, batches = element
        tally = Tally()
        entries = (entry for batch in batches for entry in batch)
        match bucket.partition("/")[0]:
            case "row":
                for _, unit, line, _ in find_repeats(entries, self._first, tally):
                    yield unit, line
            case "second":
                tally.distinct[self._second] = len(set(entries))
            case "group":
                tally.distinct["group"] = len(set(entries))
        yield TaggedOutput(_TALLY, tally)


class AddTallies(beam.CombineFn):
    """Adds tallies up."""

    def create_accumulator(self) -> Tally:
        """Nothing counted yet."""
        return Tally()

    def add_input(self, mutable_accumulator: Tally, element: Tally) -> Tally:
        """Adds one."""
        return mutable_accumulator.add(element)

    def merge_accumulators(self, accumulators: Iterable[Tally]) -> Tally:
        """Adds several."""
        total = Tally()
        for tally in accumulators:
            total.add(tally)
        return total

    def extract_output(self, accumulator: Tally) -> Tally:
        """The sum."""
        return accumulator


class WriteReport(beam.DoFn):
    """Writes the summary and the list of rows set aside beside the splits."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def process(self, element: Tally) -> None:
        """Takes the tally of all units."""
        settings, units, folder = self._plan
        summary = Summary.of(element, units, settings)
        fileio.makedirs(folder)
        for name, text in (
            (SUMMARY_FILE, summary.model_dump_json(indent=2) + "\n"),
            (REJECTS_FILE, list_of_rejects(element, units)),
        ):
            with fileio.open(os.path.join(folder, name), "w") as file:  # noqa: PTH118 - may be a URI
                file.write(text)


class WriteShard(beam.DoFn):
    """Second pass over some units: writes a tf.Example for each good row that repeats none into its split's shard.

    Not with Beam's own sink for TFRecords, which compresses in Python and takes four times as long.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def process(self, element: tuple[int, dict[str, Iterable[Any]]]) -> None:
        """Takes (shard, {"units": their (number, unit), "left_out": (unit number, line) of bad and repeated rows})."""
        shard, found = element
        settings, units, folder = self._plan
        left_out = set(found["left_out"])
        maker, dealer = ExampleMaker(settings.parts), Dealer(settings.splits.shares)
        with ShardWriter(folder, settings.splits.shares, shard, shards_of(units)) as writer:
            for number, unit in sorted(found["units"]):
                for item in read_records(unit, settings, check=False):
                    if not isinstance(item, Reject) and (number, item.line) not in left_out:
                        writer.write(dealer.split_of(item.group), maker.serialise(item))


class Ingest(beam.PTransform):
    """Both passes, from the files of the plan to examples, summary and list of rejects in its folder."""

    def __init__(self, exec_properties: dict[str, Any], split_pattern: str = "") -> None:
        super().__init__()
        del split_pattern  # the plan names the files
        self._plan: Plan = exec_properties[_PLAN]

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Builds them; what comes out is empty."""
        plan = self._plan
        shards = shards_of(plan.units)
        units = pipeline | "Units" >> beam.Create(list(enumerate(plan.units)))
        surveyed = units | "SurveyUnit" >> beam.ParDo(SurveyUnit(plan)).with_outputs(_TALLY, _BAD, main="entries")
        looked_through = (
            surveyed.entries
            | "ByBucket" >> beam.GroupByKey()
            | "SurveyBucket" >> beam.ParDo(SurveyBucket(plan.settings.parts)).with_outputs(_TALLY, main="repeats")
        )
        _ = (
            (surveyed[_TALLY], looked_through[_TALLY])
            | "Tallies" >> beam.Flatten()
            | "AddTallies" >> beam.CombineGlobally(AddTallies())
            | "WriteReport" >> beam.ParDo(WriteReport(plan))
        )
        left_out = (surveyed[_BAD], looked_through.repeats) | "LeftOut" >> beam.Flatten()
        by_shard = {
            "units": units | "UnitShard" >> beam.Map(lambda unit: (unit[0] % shards, unit)),
            "left_out": left_out | "LeftOutShard" >> beam.Map(lambda place: (place[0] % shards, place)),
        }
        return by_shard | "ByShard" >> beam.CoGroupByKey() | "WriteShard" >> beam.ParDo(WriteShard(plan))


class Executor(BaseExampleGenExecutor):
    """Executor of the component that `component.example_gen` makes."""

    def GetInputSourceToExamplePTransform(self) -> type[beam.PTransform]:  # noqa: N802
        """The whole job."""
        return Ingest

    def GenerateExamplesByBeam(  # noqa: N802
        self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]
    ) -> dict[str, beam.PCollection]:
        """Writes the splits itself, so there are none left for the base class to shuffle and write."""
        _ = pipeline | "Ingest" >> self.GetInputSourceToExamplePTransform()(exec_properties)
        return {}

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingests the files.

        Raises:
            DataError: the data cannot be used; see `check.check_units` and `summary.require_usable`.
        """
        job = unpack(exec_properties[CUSTOM_CONFIG_KEY])
        folder = artifact_utils.get_single_instance(output_dict[EXAMPLES_KEY]).uri
        files = files_of(exec_properties[INPUT_BASE_KEY], job.pattern)
        plan = Plan(job.settings, units_of(files, job.format), folder)
        check_units(plan.units, job.settings)
        super().Do(input_dict, output_dict, {**exec_properties, _PLAN: plan})
        rejects = os.path.join(folder, REJECTS_FILE)  # noqa: PTH118
        if job.rejects_path is not None:
            fileio.makedirs(os.path.dirname(job.rejects_path) or ".")  # noqa: PTH120
            fileio.copy(rejects, job.rejects_path, overwrite=True)
        with fileio.open(os.path.join(folder, SUMMARY_FILE)) as file:  # noqa: PTH118
            summary = Summary.model_validate_json(file.read())
        require_usable(summary, job.settings, job.rejects_path or rejects)
