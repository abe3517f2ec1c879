"""Prometheus metrics under TF Serving's names (servables/tensorflow/util.cc), and a few of our own.

The text is written here and not by prometheus-client: its counters end in `_total`, so it cannot say
`:tensorflow:serving:request_count`, and it writes bucket limits as `10.0` where TF Serving writes `10` (dashboards name
them). `prometheus_client.parser` reads the result in the tests.
"""

import bisect
from collections.abc import Iterator, Mapping
from itertools import accumulate

from serving.protos.config import MonitoringConfig
from serving.server import text_file
from serving.server.errors import Code
from serving.server.request_record import RequestRecord

FLAG = "monitoring_config_file"
DEFAULT_PATH = "/monitoring/prometheus/metrics"

# Scale 10, growth 1.8, 33 buckets: 10 µs to about 20 minutes.
LATENCY_LIMITS = tuple(10 * 1.8**power for power in range(33))

# What TF Serving counts; everything is in our own metric.
_TF_SERVING_COUNTS = frozenset({"Predict", "Classify", "Regress", "predict", "classify", "regress"})

Labels = tuple[str, ...]


def read_file(path: str) -> str:
    """The REST path at which the metrics are to be had; "" if the file does not enable them. Raises ConfigFileError."""
    config = text_file.read(FLAG, path, MonitoringConfig()).prometheus_config
    if not config.enable:
        return ""
    chosen = config.path or DEFAULT_PATH
    if not chosen.startswith("/"):
        raise text_file.ConfigFileError(f"--{FLAG}: {path}: the path must start with /; was {chosen}")
    return chosen


class Counter:
    """A number for each combination of labels that only grows."""

    kind = "counter"

    def __init__(self, name: str, help_text: str, *labels: str):
        self.name, self.help, self.labels = name, help_text, labels
        self._values: dict[Labels, int] = {}

    def add(self, labels: Labels, amount: int = 1) -> None:
        """Count `amount` more."""
        self._values[labels] = self._values.get(labels, 0) + amount

    def lines(self) -> Iterator[str]:
        """Its samples. A thread may count the while."""
        for values, number in self._values.copy().items():
            yield f"{self.name}{_braced(dict(zip(self.labels, values, strict=True)))} {number}"


class Histogram:
    """How often a value fell below each of LATENCY_LIMITS, for each combination of labels."""

    kind = "histogram"

    def __init__(self, name: str, help_text: str, *labels: str):
        self.name, self.help, self.labels = name, help_text, labels
        self._cells: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, labels: Labels, value: float) -> None:
        """Count `value`."""
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._cells[labels] = ([0] * (len(LATENCY_LIMITS) + 1), [0.0])
        counts, total = cell
        counts[bisect.bisect_left(LATENCY_LIMITS, value)] += 1
        total[0] += value

    def lines(self) -> Iterator[str]:
        """Its samples: cumulated buckets, sum and count. A thread may count the while."""
        limits = [*(f"{limit:g}" for limit in LATENCY_LIMITS), "+Inf"]
        for values, (counts, total) in self._cells.copy().items():
            labels = dict(zip(self.labels, values, strict=True))
            for limit, number in zip(limits, accumulate(counts), strict=True):
                yield f"{self.name}_bucket{_braced(labels | {'le': limit})} {number}"
            yield f"{self.name}_sum{_braced(labels)} {total[0]:.17g}"
            yield f"{self.name}_count{_braced(labels)} {sum(counts)}"


class Metrics:
    """All metrics of one server. Requests for models that are not served count under an empty name."""

    def __init__(self) -> None:
        prefix = ":tensorflow:serving:"
        self.request_count = Counter(f"{prefix}request_count", "The total number of requests.", "model_name", "status")
        self.request_latency = Histogram(
            f"{prefix}request_latency",
            "Distribution of wall time (in microseconds) for Tensorflow Serving request.",
            *("model_name", "API", "entrypoint"),
        )
        self.runtime_latency = Histogram(
            f"{prefix}runtime_latency",
            "Distribution of wall time (in microseconds) for Tensorflow runtime.",
            *("model_name", "API", "runtime"),
        )
        self.warmup_latency = Histogram(
            f"{prefix}model_warmup_latency",
            "Distribution of wall time (in microseconds) for warming up the model.",
            *("model_path", "status"),
        )
        self.requests = Counter(
            "anchorline_requests_total",
            "Requests of every kind by version and signature.",
            *("model_name", "version", "signature", "api", "entrypoint", "status"),
        )
        self.rows = Counter(
            "anchorline_rows_total", "Rows that were sent to a signature.", "model_name", "version", "signature"
        )

    def count(self, record: RequestRecord, seconds: float) -> None:
        """Count a request that took `seconds`."""
        status = record.code.name
        version = str(record.version) if record.version else ""
        self.requests.add((record.model, version, record.signature, record.api, record.entrypoint, status))
        if record.rows:
            self.rows.add((record.model, version, record.signature), record.rows)
        if record.api not in _TF_SERVING_COUNTS:
            return
        self.request_count.add((record.model, status))
        if record.code is Code.OK:
            self.request_latency.observe((record.model, record.api, record.entrypoint), seconds * 1e6)
            self.runtime_latency.observe((record.model, record.api, "TF1"), record.run_seconds * 1e6)

    def page(self, in_flight: int) -> str:
        """The metrics in Prometheus's text format 0.0.4."""
        metrics = (self.request_count, self.request_latency, self.runtime_latency, self.warmup_latency)
        lines: list[str] = []
        for metric in (*metrics, self.requests, self.rows):
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
        name = "anchorline_requests_in_flight"
        lines += [f"# HELP {name} Requests being answered now.", f"# TYPE {name} gauge", f"{name} {in_flight}"]
        return "\n".join(lines) + "\n"


def _braced(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
