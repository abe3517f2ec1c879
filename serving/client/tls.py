"""How the server is proven to be the right one, and the client to the server."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """An encrypted connection. Certificates and keys are PEM files.

    Attributes:
        ca: certificates that may have signed the server's; by default those that grpcio or the system trusts.
        certificate: the client's own chain, where the server asks for one.
        key: of `certificate`.
    """

    ca: Path | str | None = None
    certificate: Path | str | None = None
    key: Path | str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("give certificate and key of the client together, or neither")

    def for_grpc(self) -> grpc.ChannelCredentials:
        """For a gRPC channel. Raises OSError if a file cannot be read."""
        files = (self.ca, self.key, self.certificate)
        return grpc.ssl_channel_credentials(*(Path(file).read_bytes() if file else None for file in files))

    def for_http(self) -> ssl.SSLContext:
        """For an HTTP connection. Raises OSError or ssl.SSLError if a file cannot be read or is none of PEM."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context
