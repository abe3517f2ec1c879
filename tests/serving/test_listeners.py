"""The arguments of the gRPC server on the command line."""

import pytest

from serving.server.listeners import AddressError, channel_arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("a=1", {"a": 1}),
        ("grpc.a=-5,b=x=y,", {"grpc.a": -5, "b": "x=y"}),
        ("a=2147483647,b=2147483648", {"a": 2147483647, "b": "2147483648"}),
        ("a=", {"a": ""}),
    ],
)
def test_arguments(text: str, arguments: dict[str, int | str]) -> None:
    assert channel_arguments(text) == arguments


@pytest.mark.parametrize("text", ["a", "=1", "a=1,b"])
def test_arguments_without_a_name_or_a_value(text: str) -> None:
    with pytest.raises(AddressError, match="expected name=value,name=value"):
        channel_arguments(text)
