"""TLS for gRPC from an `--ssl_config_file`, which holds the PEM texts themselves (model_servers/server.cc)."""

import re

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
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
