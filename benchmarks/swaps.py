"""Versions and configurations that change while clients ask, and what each client may be answered meanwhile.

Three models are served:

    rolling     its newest version, found by the server itself under the base path
    labelled    two versions, labelled stable and canary; each swap moves both labels one version on
    guest       there at every other swap

A swap publishes a version of the first two, replaces the config file, which the server polls, and at every other swap
also sends HandleReloadConfigRequest; then it takes the old versions' folders away.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import text_format

from benchmarks.asking import Spec
from benchmarks.half_plus import publish, remove
from serving.models_file import model_server_config
from serving.server.silent_tensorflow import model_management_pb2
from serving.whole_file import write_whole

_RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"
_GUESTS_VERSION = 7
_PAUSE = 0.002


class NotTakenError(Exception):
    """A new version or configuration was not taken up; the message says which."""


@dataclass(eq=False)
class Address:
    """One way of asking for a version. Whoever asks now must be answered by one from `oldest` to `newest`.

    A version that has answered one client may not give way to an older one for the next; a version is the newest as
    soon as it may have been found, or the configuration that names it taken.
    """

    spec: Spec
    oldest: int
    newest: int
    is_open: bool = True
    in_flight: int = 0

    async def shut(self) -> None:
        """Let nobody ask any more and wait for those who do."""
        self.is_open = False
        while self.in_flight:
            await asyncio.sleep(_PAUSE)


class Swaps:
    """The folders, the config file, and the addresses that can be asked.

    Args:
        folder: where to put them.
        template: see `benchmarks.half_plus`.
        timeout: seconds in which the server must take up what has changed.
    """

    def __init__(self, folder: Path, template: Path, timeout: float):
        self.config_file = folder / "models.config"
        self.swapped = 0
        self.reloaded = 0
        self._template = template
        self._timeout = timeout
        self._bases = {name: folder / name for name in ("rolling", "labelled", "guest")}
        publish(template, self._bases["rolling"], 1)
        publish(template, self._bases["labelled"], 1)
        publish(template, self._bases["labelled"], 2)
        publish(template, self._bases["guest"], _GUESTS_VERSION)
        self._rolling = Address(Spec("rolling"), 1, 1)
        self._stable = Address(Spec("labelled", label="stable"), 1, 1)
        self._canary = Address(Spec("labelled", label="canary"), 2, 2)
        self._newest = Address(Spec("labelled"), 2, 2)
        self._guest = Address(Spec("guest"), _GUESTS_VERSION, _GUESTS_VERSION, is_open=False)
        self._numbers = [self._numbered(1), self._numbered(2)]
        self._write_config()

    def open_addresses(self) -> list[Address]:
        """Those that can be asked now."""
        return [address for address in self._addresses() if address.is_open]

    def _addresses(self) -> Iterator[Address]:
        yield from (self._rolling, self._stable, self._canary, self._newest, self._guest)
        yield from self._numbers

    @staticmethod
    def _numbered(number: int) -> Address:
        return Address(Spec("labelled", version=number), number, number)

    async def swap(self, channel: grpc.aio.Channel) -> None:
        """Change everything once. Raises NotTakenError, or grpc.RpcError if the server refuses to reload."""
        await asyncio.gather(self._roll(), self._relabel(channel))
        self.swapped += 1

    async def _roll(self) -> None:
        base, last = self._bases["rolling"], self._rolling.newest
        self._rolling.newest = last + 1
        await asyncio.to_thread(publish, self._template, base, last + 1)
        await self._taken(self._rolling, last + 1)
        await asyncio.to_thread(remove, base, last)

    async def _relabel(self, channel: grpc.aio.Channel) -> None:
        base, stable, canary = self._bases["labelled"], self._canary.newest, self._canary.newest + 1
        await asyncio.to_thread(publish, self._template, base, canary)
        last = self._numbers.pop(0)
        await asyncio.gather(last.shut(), self._guest.shut())
        self._stable.newest, self._canary.newest, self._newest.newest = stable, canary, canary
        comes = self.swapped % 2 == 0
        self._write_config(guest=comes)
        if self.swapped % 4 < 2:  # so that the guest comes and goes by both
            await self._reload(channel)
        await self._taken(self._canary, canary)
        # Labels, models and policies change at one moment.
        self._stable.oldest, self._newest.oldest = stable, canary
        self._guest.is_open = comes
        self._numbers.append(self._numbered(canary))
        await asyncio.to_thread(remove, base, last.newest)

    def _config(self, *, guest: bool) -> str:
        stable, canary = self._stable.newest, self._canary.newest
        models = {name: base for name, base in self._bases.items() if guest or name != "guest"}
        return model_server_config(models, {"labelled": {"stable": stable, "canary": canary}})

    def _write_config(self, *, guest: bool = False) -> None:
        write_whole(self.config_file, self._config(guest=guest))

    async def _reload(self, channel: grpc.aio.Channel) -> None:
        """Send what is in the file; from its answer on requests must find it."""
        text = f"config {{ {self.config_file.read_text()} }}"
        request = text_format.Parse(text, model_management_pb2.ReloadConfigRequest())
        call: Any = channel.unary_unary(
            _RELOAD,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=model_management_pb2.ReloadConfigResponse.FromString,
        )
        await call(request, timeout=self._timeout)
        self._canary.oldest = self._canary.newest
        self.reloaded += 1

    async def _taken(self, address: Address, version: int) -> None:
        """Wait until a client has been answered by that version."""
        try:
            async with asyncio.timeout(self._timeout):
                while address.oldest < version:
                    await asyncio.sleep(_PAUSE)
        except TimeoutError as error:
            raise NotTakenError(f"{address.spec}: version {version} was not taken up") from error
