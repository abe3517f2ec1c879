from typing import Any

import pytest

from kubeflow.mounts import Mounts


@pytest.mark.parametrize(
    ("root", "uri", "path"),
    [
        ("/", "minio://mlpipeline/v2/a", "/minio/mlpipeline/v2/a"),
        ("/", "s3://bucket/key with space/é", "/s3/bucket/key with space/é"),
        ("/", "gs://bucket/gs://odd", "/gcs/bucket/gs://odd"),
        ("/mnt/stores", "gs://bucket/a", "/mnt/stores/gcs/bucket/a"),
    ],
)
def test_a_uri_is_a_path_and_back(root: str, uri: str, path: str) -> None:
    mounts = Mounts(root)
    assert mounts.path(uri) == path
    assert mounts.uri(path) == uri


@pytest.mark.parametrize("other", ["/data/faq.csv", "file:///a", "oci://image/model", "/minioX/a", ""])
def test_what_is_in_no_store_stays_as_it_is(other: str) -> None:
    assert Mounts("/").path(other) == other
    assert Mounts("/").uri(other) == other


def test_only_uris_of_artifacts_change() -> None:
    given: dict[str, Any] = {
        "inputs": {
            "parameterValues": {"data_path": "s3://bucket/data"},
            "artifacts": {"model": {"artifacts": [{"uri": "s3://b/m", "name": "17", "metadata": {"of": "s3://b/m"}}]}},
        },
        "outputs": {"artifacts": {"blessing": {"artifacts": [{"uri": "gs://b/x"}]}}, "outputFile": "/o.json"},
    }
    local = Mounts("/m").localize(given)
    assert local["inputs"]["parameterValues"] == {"data_path": "s3://bucket/data"}
    assert local["inputs"]["artifacts"]["model"]["artifacts"] == [
        {"uri": "/m/s3/b/m", "name": "17", "metadata": {"of": "s3://b/m"}}
    ]
    assert local["outputs"]["artifacts"]["blessing"]["artifacts"] == [{"uri": "/m/gcs/b/x"}]
    assert local["outputs"]["outputFile"] == "/o.json"
    assert given["inputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == "s3://b/m"  # not changed in place


def test_paths_in_an_output_are_uris_again_wherever_an_executor_notes_them() -> None:
    metadata = {"current_model": "/m/gcs/b/model", "pushed_destination": "/serving/faq/7", "blessed": 1.0}
    output = {"artifacts": {"blessing": {"artifacts": [{"uri": "/m/gcs/b/x", "metadata": metadata}]}, "none": {}}}
    assert Mounts("/m").publish(output)["artifacts"] == {
        "blessing": {"artifacts": [{"uri": "gs://b/x", "metadata": metadata | {"current_model": "gs://b/model"}}]},
        "none": {"artifacts": []},
    }
