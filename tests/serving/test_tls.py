"""The SSLConfig file; that TLS works is in test_operations.py."""

import json
from pathlib import Path

import grpc
import pytest
import trustme

from serving.server.text_file import ConfigFileError
from serving.server.tls import read_file


@pytest.fixture(scope="module")
def pems() -> dict[str, str]:
    ca = trustme.CA()
    issued = ca.issue_cert("localhost")
    raw = {
        "server_key": issued.private_key_pem.bytes(),
        "server_cert": issued.cert_chain_pems[0].bytes(),
        "custom_ca": ca.cert_pem.bytes(),
    }
    return {name: value.decode() for name, value in raw.items()}


def written(path: Path, pems: dict[str, str], more: str = "") -> str:
    path.write_text("\n".join([*(f"{name}: {json.dumps(value)}" for name, value in pems.items()), more]))
    return str(path)


def test_a_key_of_another_certificate(tmp_path: Path, pems: dict[str, str]) -> None:
    other = trustme.CA().issue_cert("localhost").private_key_pem.bytes().decode()
    path = written(tmp_path / "ssl.config", pems | {"server_key": other})
    with pytest.raises(ConfigFileError, match=r"do not belong together, or .* damaged: KEY_VALUES_MISMATCH"):
        read_file(path)


def test_a_damaged_certificate(tmp_path: Path, pems: dict[str, str]) -> None:
    path = written(tmp_path / "ssl.config", pems | {"server_cert": pems["server_cert"].replace("MII", "MIA")})
    with pytest.raises(ConfigFileError, match="damaged: "):
        read_file(path)


def test_a_sound_file(tmp_path: Path, pems: dict[str, str]) -> None:
    path = written(tmp_path / "ssl.config", pems, "client_verify: true")
    assert isinstance(read_file(path), grpc.ServerCredentials)


@pytest.mark.parametrize(
    ("wrong", "more", "message"),
    [
        ({"server_key": ""}, "", "server_key must be the text of a PEM PRIVATE KEY"),
        ({"server_cert": "/etc/cert.pem"}, "", "server_cert must be the text of a PEM CERTIFICATE"),
        ({"custom_ca": "x"}, "", "custom_ca must be the text of a PEM CERTIFICATE"),
        ({"custom_ca": ""}, "client_verify: true", "client_verify needs custom_ca"),
        ({}, "server_kee: ''", "Error parsing text-format tensorflow.serving.SSLConfig"),
    ],
)
def test_mistakes(tmp_path: Path, pems: dict[str, str], wrong: dict[str, str], more: str, message: str) -> None:
    path = written(tmp_path / "ssl.config", pems | wrong, more)
    with pytest.raises(ConfigFileError, match=message) as caught:
        read_file(path)
    assert str(caught.value).startswith("--ssl_config_file: ")
    assert pems["server_key"] not in str(caught.value)
