"""URIs of object stores, and the folders in which KFP's launcher has their files."""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

SCHEMES = {"gs": "gcs", "minio": "minio", "s3": "s3"}
"""Folder by scheme: `gs://bucket/key` lies in `/gcs/bucket/key`. From LocalPathForURI in KFP's launcher."""

Json = dict[str, Any]


class Mounts:
    """Translates URIs to paths below one folder and back.

    >>> mounts = Mounts("/")
    >>> mounts.path("minio://bucket/a/b")
    '/minio/bucket/a/b'
    >>> mounts.uri("/minio/bucket/a/b")
    'minio://bucket/a/b'
    """

    def __init__(self, root: str) -> None:
        self._folders = {scheme: str(PurePosixPath(root, folder)) for scheme, folder in SCHEMES.items()}

    def path(self, uri: str) -> str:
        """The folder of a URI; what is of no such scheme is itself."""
        scheme, separator, rest = uri.partition("://")
        return f"{self._folders[scheme]}/{rest}" if separator and scheme in self._folders else uri

    def uri(self, path: str) -> str:
        """The URI of a folder; what lies in no mount is itself."""
        for scheme, folder in self._folders.items():
            if path.startswith(f"{folder}/"):
                return f"{scheme}://{path.removeprefix(f'{folder}/')}"
        return path

    def localize(self, executor_input: Json) -> Json:
        """An ExecutorInput, as JSON, with paths in the place of URIs of artifacts."""
        sides = {
            side: executor_input[side] | {"artifacts": _mapped(executor_input[side].get("artifacts", {}), self.path)}
            for side in ("inputs", "outputs")
            if side in executor_input
        }
        return executor_input | sides

    def publish(self, executor_output: Json) -> Json:
        """An ExecutorOutput, as JSON, with URIs in the place of paths of artifacts, in their metadata too."""
        artifacts = _mapped(executor_output.get("artifacts", {}), self.uri)
        for artifact in (artifact for value in artifacts.values() for artifact in value["artifacts"]):
            if "metadata" in artifact:
                artifact["metadata"] = {key: self._published(value) for key, value in artifact["metadata"].items()}
        return executor_output | {"artifacts": artifacts}

    def _published(self, value: Any) -> Any:
        return self.uri(value) if isinstance(value, str) else value


def _mapped(artifacts: Json, translate: Callable[[str], str]) -> Json:
    """Copies of artifacts with another URI each."""
    return {
        name: {"artifacts": [one | {"uri": translate(one.get("uri", ""))} for one in value.get("artifacts", [])]}
        for name, value in artifacts.items()
    }
