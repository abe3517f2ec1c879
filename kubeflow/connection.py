"""A KFP client for a server that may be anywhere, and its errors as sentences."""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import UserError

if TYPE_CHECKING:
    from kfp import Client

HOST_VARIABLE = "KF_PIPELINES_ENDPOINT"
TOKEN_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105  a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where Kubeflow Pipelines is.

    Attributes:
        host: URL of its API; none is where this pod's cluster or the kubeconfig says.
        namespace: of the user, on servers that have many.
        ca_file: certificates that its own is signed by, where the usual ones are not.
    """

    host: str | None = None
    namespace: str | None = None
    ca_file: Path | None = None

    def __str__(self) -> str:
        return self.host or "the Kubeflow Pipelines of this cluster"


@contextmanager
def connected(server: Server) -> Iterator[Client]:
    """A client; what it and the server say in the block comes out as one sentence.

    A token is read from the file that KF_PIPELINES_SA_TOKEN_PATH names. Further credentials are where kfp looks for
    them: the pod's service account, the kubeconfig, KF_PIPELINES_IAP_OAUTH2_CLIENT_ID, ~/.config/kfp/context.json.

    Raises:
        UserError: there is no server, or it refuses.
    """
    import urllib3
    from kfp_server_api import ApiException

    if server.host is None:
        _check_there_is_a_cluster()
    try:
        yield _client(server)
    except ApiException as error:
        raise UserError(f"{server} {_refusal(error)}") from error
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(f"{server} cannot be reached: {_last_words(reason)}") from error


def _client(server: Server) -> Client:
    import kfp
    from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

    class Client(kfp.Client):
        """kfp's, less patient and less talkative."""

        def get_kfp_healthz(self, sleep_duration: int = 5) -> Any:
            """Ask once; kfp's asks a server that refuses five times, with pauses, before it says so."""
            del sleep_duration
            health, _, headers = self._healthz_api.healthz_service_get_healthz_with_http_info()
            if "json" not in headers.get("content-type", ""):  # kfp reads a page of HTML as an answer without anything
                raise UserError(f"{server} answers with something else than Kubeflow Pipelines; is it behind a login?")
            return health

        def create_experiment(self, *args: Any, **kwargs: Any) -> Any:
            """The same, without a link to it on the screen."""
            with contextlib.redirect_stdout(io.StringIO()):
                return super().create_experiment(*args, **kwargs)

        def run_pipeline(self, *args: Any, **kwargs: Any) -> Any:
            """The same, without a link to it on the screen."""
            with contextlib.redirect_stdout(io.StringIO()):
                return super().run_pipeline(*args, **kwargs)

    token = os.environ.get(TOKEN_VARIABLE)
    if token and not os.access(token, os.R_OK):
        raise UserError(f"{token}: cannot be read; {TOKEN_VARIABLE} must name a file with a token")
    if server.ca_file and not os.access(server.ca_file, os.R_OK):
        raise UserError(f"{server.ca_file}: cannot be read (--ca-file)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # on the versions of servers
        warnings.simplefilter("ignore", UserWarning)  # on a host without https://, which is what is then meant
        client = Client(
            host=server.host,
            credentials=ServiceAccountTokenVolumeCredentials() if token else None,
            ssl_ca_cert=str(server.ca_file) if server.ca_file else None,
        )
    client.get_kfp_healthz()
    return client


def _check_there_is_a_cluster() -> None:
    from kubernetes import config

    try:
        config.load_incluster_config()
    except config.ConfigException:
        try:
            config.list_kube_config_contexts()
        except config.ConfigException:
            raise UserError(
                f"no Kubeflow Pipelines to talk to; give --host or {HOST_VARIABLE}, or a kubeconfig of its cluster"
            ) from None


def _refusal(error: Any) -> str:
    """What the body of an error says, if it is one of KFP's."""
    if not error.status:  # TLS
        return f"cannot be reached: {_last_words(error.reason)}"
    said = str(error.reason)
    with contextlib.suppress(ValueError, TypeError):
        body = json.loads(error.body)
        said = body.get("message") or body.get("error") or said
    hint = f"; {TOKEN_VARIABLE} names a file with a token" if error.status in (401, 403) else ""
    return f"answered {error.status}: {said.strip().partition('\n')[0]:.300}{hint}"


def _last_words(reason: object) -> str:
    """Of urllib3's chains of errors the end, which says what went wrong."""
    return str(reason).strip().partition("\n")[0].rpartition(": ")[2].rstrip(")'\"")
