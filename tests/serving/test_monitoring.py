"""The page of metrics, read by Prometheus's own parser, and the file that asks for it."""

import bisect
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.server.errors import Code
from serving.server.monitoring import LATENCY_LIMITS, Counter, Histogram, Metrics, read_file
from serving.server.request_record import RequestRecord
from serving.server.text_file import ConfigFileError


def record(code: Code = Code.OK, model: str = "m", api: str = "Predict") -> RequestRecord:
    return RequestRecord(
        "GRPC", api, "id", model=model, version=3, signature="s", rows=2, run_seconds=0.0001, code=code
    )


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.page(in_flight=4))
        for sample in family.samples
    }


def test_buckets_cumulate_and_have_tf_servings_limits() -> None:
    metrics = Metrics()
    for microseconds in (10, 11, 18.5, 1e12):
        metrics.count(record(), microseconds / 1e6)
    metrics.count(record(Code.INTERNAL), 5)
    found = samples(metrics)
    name = ":tensorflow:serving:request_latency"
    labels = ("m", "Predict", "GRPC")
    bucket = {
        le: found[f"{name}_bucket", (*labels, le)] for le in ("10", "18", "32.4", "188.957", "1.47476e+09", "+Inf")
    }
    assert list(bucket.values()) == [1, 2, 3, 3, 3, 4]
    assert sum(key[0] == f"{name}_bucket" for key in found) == 34
    assert found[f"{name}_count", labels] == 4
    assert found[f"{name}_sum", labels] == pytest.approx(1e12 + 39.5)
    assert found[":tensorflow:serving:runtime_latency_sum", ("m", "Predict", "TF1")] == pytest.approx(400)


@pytest.mark.parametrize("count", [lambda: Counter("n", "help", "path"), lambda: Histogram("n", "help", "path")])
def test_a_thread_may_count_what_is_new_while_the_page_is_written(count: Callable[[], Counter | Histogram]) -> None:
    metric = count()
    add = metric.add if isinstance(metric, Counter) else metric.observe
    add(("a",), 1)
    lines = metric.lines()
    found = [next(lines)]
    add(("b",), 1)
    found += lines
    assert found
    assert not any('"b"' in line for line in found)
    assert any('"b"' in line for line in metric.lines())


def test_limits_grow_as_tf_servings() -> None:
    assert len(LATENCY_LIMITS) == 33
    assert all(math.isclose(limit, 10 * 1.8**power) for power, limit in enumerate(LATENCY_LIMITS))
    assert bisect.bisect(LATENCY_LIMITS, 20 * 60 * 1e6) in {31, 32, 33}


def test_counts_by_status_and_by_signature() -> None:
    metrics = Metrics()
    for code, api in ((Code.OK, "Predict"), (Code.OK, "predict"), (Code.NOT_FOUND, "Regress"), (Code.OK, "status")):
        metrics.count(record(code, api=api), 0.1)
    found = samples(metrics)
    assert found[":tensorflow:serving:request_count_total", ("m", "OK")] == 2
    assert found[":tensorflow:serving:request_count_total", ("m", "NOT_FOUND")] == 1
    assert found["anchorline_requests_total", ("m", "3", "s", "status", "GRPC", "OK")] == 1
    assert found["anchorline_rows_total", ("m", "3", "s")] == 8
    assert found["anchorline_requests_in_flight", ()] == 4


def test_labels_are_escaped() -> None:
    metrics = Metrics()
    metrics.count(record(model='a"b\\c\nd'), 0.1)
    assert samples(metrics)[":tensorflow:serving:request_count_total", ('a"b\\c\nd', "OK")] == 1


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ""),
        ("prometheus_config { enable: false path: '/m' }", ""),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ("prometheus_config { enable: true path: '/m' }", "/m"),
    ],
)
def test_the_file(tmp_path: Path, text: str, path: str) -> None:
    file = tmp_path / "monitoring.config"
    file.write_text(text)
    assert read_file(str(file)) == path


def test_mistakes_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.config"
    file.write_text("prometheus_config { enable: true path: 'm' }")
    with pytest.raises(ConfigFileError, match=r"--monitoring_config_file: .*the path must start with /; was m"):
        read_file(str(file))
    file.write_text("prometheus { }")
    with pytest.raises(ConfigFileError, match=r"Error parsing text-format tensorflow\.serving\.MonitoringConfig"):
        read_file(str(file))
