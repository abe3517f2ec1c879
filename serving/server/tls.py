"""TLS for gRPC from an `--ssl_config_file`, which holds the PEM texts themselves (model_servers/server.cc)."""

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from serving.protos.config import SSLConfig
from serving.server import text_file
from serving.server.text_file import ConfigFileError

FLAG = "ssl_config_file"

_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\s[^-]+-----END \1-----")


def read_file(path: str) -> grpc.ServerCredentials:
    """The server's credentials; with `client_verify` clients must show a certificate too. Raises ConfigFileError."""
    config = text_file.read(FLAG, path, SSLConfig())
    for name, kind in (("server_key", "PRIVATE KEY"), ("server_cert", "CERTIFICATE"), ("custom_ca", "CERTIFICATE")):
        text = getattr(config, name)
        if not text and name == "custom_ca":
            continue
        if not any(found[1].endswith(kind) for found in _PEM.finditer(text)):
            raise ConfigFileError(f"--{FLAG}: {path}: {name} must be the text of a PEM {kind}")
    if config.client_verify and not config.custom_ca:
        raise ConfigFileError(f"--{FLAG}: {path}: client_verify needs custom_ca, the certificates that sign clients'")
    try:
        _check(config)
    except ssl.SSLError as error:
        raise ConfigFileError(
            f"--{FLAG}: {path}: server_key and server_cert do not belong together, or one of the PEM texts is damaged:"
            f" {error.reason or error}"
        ) from error
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check(config: Any) -> None:
    """Load the texts as a server would; gRPC would only say that it cannot listen. Raises ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _as_file(config.server_cert) as certificate, _as_file(config.server_key) as key:
        context.load_cert_chain(certificate, key)
    if config.custom_ca:
        context.load_verify_locations(cadata=config.custom_ca)


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """The path of a file in memory: OpenSSL's Python module reads keys from files only."""
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
