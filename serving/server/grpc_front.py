"""What is done around every gRPC request: it is observed, and its `x-request-id` goes back in the trailing metadata."""

import math
import time
from collections.abc import Iterable
from typing import Any

import grpc

from serving.server.errors import Code, StatusError
from serving.server.observer import REQUEST_ID, Observer

_BY_NUMBER = {code.value[0]: code for code in Code}


class ObservedHandlers(grpc.GenericRpcHandler):
    """The unary methods of `handlers`, observed."""

    def __init__(self, handlers: Iterable[grpc.GenericRpcHandler], observer: Observer):
        self._handlers = list(handlers)
        self._observer = observer
        self._observed: dict[str, grpc.RpcMethodHandler] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler of a method, None if there is none."""
        name = handler_call_details.method
        if name not in self._observed:
            found = (handler.service(handler_call_details) for handler in self._handlers)
            method = next((handler for handler in found if handler), None)
            if method is None:
                return None
            self._observed[name] = self._observe(name, method)
        return self._observed[name]

    def _observe(self, name: str, method: grpc.RpcMethodHandler) -> grpc.RpcMethodHandler:
        inner: Any = method.unary_unary
        api = name.rpartition("/")[2]

        async def answer(raw: bytes, context: grpc.aio.ServicerContext) -> Any:
            remaining = context.time_remaining()
            deadline = math.inf if remaining is None else time.monotonic() + remaining
            record = self._observer.begin("GRPC", api, _request_id(context), deadline)
            if self._observer.names_requests:
                record.target = name
                record.client = context.peer()
            context.set_trailing_metadata(((REQUEST_ID, record.id),))
            record.code = Code.CANCELLED
            try:
                try:
                    self._observer.admit()
                except StatusError as error:
                    await context.abort(error.code, error.message)
                response = await inner(raw, context)
                record.code = Code.OK
                return response
            except grpc.aio.AbortError:
                record.code = _code(context)
                raise
            finally:
                self._observer.end(record)

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=method.request_deserializer, response_serializer=method.response_serializer
        )


def _request_id(context: grpc.aio.ServicerContext) -> str:
    for name, value in context.invocation_metadata() or ():
        if name == REQUEST_ID and isinstance(value, str):
            return value
    return ""


def _code(context: grpc.aio.ServicerContext) -> Code:
    code: Any = context.code()
    return code if isinstance(code, Code) else _BY_NUMBER.get(code, Code.UNKNOWN)
