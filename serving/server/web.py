"""The page at `/` of the REST port: its files, and what models there are."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from serving import dtypes
from serving.server.errors import StatusError
from serving.server.http_message import JSON, Handler, Request, Response
from serving.server.models import Model, Models, Version

_FOLDER = Path(__file__).parents[1] / "web"
_PAGE = "index.html"
_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_HEADERS = [
    # Scripts, styles and requests only from and to this server; pictures also from the user's own disk.
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        b"img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
]


class WebPage:
    """A handler that answers GET of the page's own paths and leaves everything else to `app`.

    `/` is the page, `/web/…` what it is made of, `/web/models` the models in JSON; see `listing`.
    """

    def __init__(self, app: Handler, models: Models[Any]):
        self._app = app
        self._models = models
        files = {path.name: (_TYPES[path.suffix], path.read_bytes()) for path in _FOLDER.iterdir()}
        self._files = {"/": files.pop(_PAGE)} | {f"/web/{name}": file for name, file in files.items()}

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        path = request.path
        if request.method not in {"GET", "HEAD"} or not (path in self._files or path == "/web/models"):
            return await self._app(request)
        kind, body = self._files.get(path) or (JSON, json.dumps(listing(self._models)).encode())
        return Response(HTTPStatus.OK, body, kind, _HEADERS.copy())


def listing(models: Models[Any]) -> dict[str, Any]:
    """All models with their versions, newest first, and the signatures of those that are AVAILABLE."""
    return {"models": [{"name": name, "versions": _versions(models, name)} for name in models.configs]}


def _versions(models: Models[Any], name: str) -> list[dict[str, Any]]:
    labels = models.configs[name].labels
    try:
        known = models.status(name)
    except StatusError:  # none was seen yet
        return []
    return [_version(number, version, labels) for number, version in known]


def _version(number: int, version: Version[Model], labels: dict[str, int]) -> dict[str, Any]:
    signatures = version.served.model.signatures if version.served else {}
    return {
        "version": str(number),  # JavaScript's numbers end at 2**53
        "state": version.state.name,
        "error": version.error.message if version.error else "",
        "labels": sorted(label for label, labelled in labels.items() if labelled == number),
        "signatures": {
            name: {
                "inputs": {alias: dtypes.name_of(spec.dtype) for alias, spec in signature.inputs.items()},
                "outputs": {alias: dtypes.name_of(spec.dtype) for alias, spec in signature.outputs.items()},
            }
            for name, signature in sorted(signatures.items())
            if signature.inputs  # what initialises a model is none that can be asked
        },
    }
