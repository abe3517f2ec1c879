"""The page at `/` of the REST port: its files, and what models there are."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from serving import dtypes
from serving.server.errors import StatusError
from serving.server.models import Model, Models, Version

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_FOLDER = Path(__file__).parents[1] / "web"
_PAGE = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_JSON = "application/json"
_HEADERS = {
    # Scripts, styles and requests only from and to this server; pictures also from the user's own disk.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class WebPage:
    """An ASGI application that answers GET of the page's own paths and leaves everything else to `app`.

    `/` is the page, `/web/…` what it is made of, `/web/models` the models in JSON; see `listing`.
    """

    def __init__(self, app: App, models: Models[Any]):
        self._app = app
        self._models = models
        files = {path.name: (_TYPES[path.suffix], path.read_bytes()) for path in _FOLDER.iterdir()}
        self._files = {"/": files.pop(_PAGE)} | {f"/web/{name}": file for name, file in files.items()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if scope["method"] not in {"GET", "HEAD"} or not (path in self._files or path == "/web/models"):
            await self._app(scope, receive, send)
            return
        kind, body = self._files.get(path) or (_JSON, json.dumps(listing(self._models)).encode())
        fields = {"content-type": kind, "content-length": str(len(body)), **_HEADERS}
        headers = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


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
