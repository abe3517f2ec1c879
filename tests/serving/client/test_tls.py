"""The real server behind a proxy that speaks TLS: whom the client trusts, and whether the server asks who it is."""

import asyncio
import datetime
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc import StatusCode

from serving.client import ServingError, Tls
from serving.process import ModelServer
from tests.serving.client.background import background
from tests.serving.client.conftest import KINDS, connect, port_of


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1."""

    certificate: Path
    key: Path


def make(folder: Path, name: str) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    made.certificate.write_bytes(certificate.public_bytes(pem))
    made.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return made


@pytest.fixture(scope="module")
def server_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture(scope="module")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make(tmp_path_factory.mktemp("tls"), "other")


@contextmanager
def encrypted(target: int, certificate: Certificate, client_ca: Path | None = None) -> Iterator[int]:
    """A port that speaks TLS and passes what comes on to `target`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_ca)
    context.load_cert_chain(certificate.certificate, certificate.key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        try:
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        finally:
            far_writer.transport.abort()
            writer.transport.abort()

    with background(serve, ssl=context) as port:
        yield port


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_a_server_that_is_trusted(
    our_server: ModelServer, server_certificate: Certificate, protocol: Any, kind: str
) -> None:
    tls = Tls(ca=server_certificate.certificate)
    with (
        encrypted(port_of(our_server, protocol), server_certificate) as port,
        connect(kind, "127.0.0.1", port, protocol=protocol, tls=tls) as client,
    ):
        assert client.question("faq", ["abc"])[0, 0] == 6.0


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_a_server_that_is_not(
    *,
    our_server: ModelServer,
    server_certificate: Certificate,
    other_certificate: Certificate,
    protocol: Any,
    kind: str,
) -> None:
    tls = Tls(ca=other_certificate.certificate)
    with (
        encrypted(port_of(our_server, protocol), server_certificate) as port,
        connect(kind, "127.0.0.1", port, protocol=protocol, tls=tls, retries=0) as client,
        pytest.raises(ServingError) as caught,
    ):
        client.question("faq", ["abc"], timeout=5)
    assert caught.value.code == StatusCode.UNAVAILABLE


@pytest.mark.parametrize(("protocol", "kind"), KINDS)
def test_a_server_that_asks_who_is_there(
    *,
    our_server: ModelServer,
    server_certificate: Certificate,
    other_certificate: Certificate,
    protocol: Any,
    kind: str,
) -> None:
    ca = server_certificate.certificate
    known = Tls(ca=ca, certificate=other_certificate.certificate, key=other_certificate.key)
    with encrypted(port_of(our_server, protocol), server_certificate, other_certificate.certificate) as port:
        with connect(kind, "127.0.0.1", port, protocol=protocol, tls=known) as client:
            assert client.question("faq", ["abc"])[0, 0] == 6.0
        with connect(kind, "127.0.0.1", port, protocol=protocol, tls=Tls(ca=ca), retries=0) as client:
            with pytest.raises(ServingError) as caught:
                client.question("faq", ["abc"], timeout=5)
            assert caught.value.code == StatusCode.UNAVAILABLE


def test_a_certificate_without_its_key() -> None:
    with pytest.raises(ValueError, match="certificate and key of the client together"):
        Tls(certificate="c.pem")
