"""KFP's published API, read off the client that is generated from it: paths, methods, parameters and bodies."""

import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import kfp_server_api
from kfp_server_api import api

from tests.kubeflow.openapi import Json, SchemaError, build


@dataclass(frozen=True)
class Operation:
    """One method on one path.

    Attributes:
        pattern: of paths.
        query: names of query parameters that it has.
        body: model of its body; none takes none.
        answer: model of a good answer.
    """

    name: str
    method: str
    pattern: re.Pattern[str]
    query: frozenset[str]
    body: str | None
    answer: str


@cache
def operations() -> list[Operation]:
    """All of them."""
    found = []
    for _, kind in inspect.getmembers(api, inspect.isclass):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if name.endswith("_with_http_info"):
                found.append(_operation(name.removesuffix("_with_http_info"), inspect.getsource(method)))
    return found


def _operation(name: str, source: str) -> Operation:
    (called,) = re.findall(r"call_api\(\s*'([^']+)', '(\w+)'", source)
    path, method = called
    bodies = re.findall(r"body_params = local_var_params\['(\w+)'\]", source)
    (answer,) = re.findall(r"response_type='(\w+)'", source)
    return Operation(
        name=name,
        method=method,
        pattern=re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(path))),
        query=frozenset(re.findall(r"query_params.append\(\('(\w+)'", source)),
        body=re.findall(rf":type {bodies[0]}: (\w+)", source)[0] if bodies else None,
        answer=answer,
    )


def checked(method: str, path: str, query: dict[str, str], body: Json | None) -> tuple[Operation, dict[str, str]]:
    """The operation that a request asks for, and what its path says.

    Raises:
        SchemaError: there is none, or the request is not as it wants it.
    """
    for operation in operations():
        match = operation.pattern.fullmatch(path)
        if match and operation.method == method:
            _check_query(operation, query)
            if (body is None) != (operation.body is None):
                raise SchemaError(f"{operation.name} takes {operation.body or 'no body'}, but got {body!r}")
            if operation.body and body is not None:
                build(getattr(kfp_server_api, operation.body), body, operation.name, kfp_server_api)
            return operation, match.groupdict()
    raise SchemaError(f"there is no {method} {path}")


def _check_query(operation: Operation, query: dict[str, str]) -> None:
    if unknown := query.keys() - operation.query:
        raise SchemaError(f"{operation.name} has no query parameters {sorted(unknown)}")
    if not query.get("page_size", "1").isdecimal():
        raise SchemaError(f"{operation.name}: page_size is {query['page_size']!r}")
    for _ in _predicates(query.get("filter")):
        pass


def _predicates(text: str | None) -> Iterator[Any]:
    if text:
        wanted = json.loads(text)
        for predicate in wanted.get("predicates", []):  # kfp itself uses what protobuf's JSON takes besides
            if "stringValue" in predicate:
                predicate["string_value"] = predicate.pop("stringValue")
            if predicate.get("operation") == 1:
                predicate["operation"] = "EQUALS"
        yield from build(kfp_server_api.V2beta1Filter, wanted, "filter", kfp_server_api).predicates


def fits(item: Json, text: str | None) -> bool:
    """Whether a filter lets something pass; the only operation here is EQUALS."""
    predicates = list(_predicates(text))
    assert all(predicate.operation == "EQUALS" for predicate in predicates)
    return all(item.get(predicate.key) == predicate.string_value for predicate in predicates)


def check_answer(operation: Operation, answer: Json) -> None:
    """Answers of a server in a test are held against the same schema."""
    if operation.answer != "object":
        build(getattr(kfp_server_api, operation.answer), answer, operation.name, kfp_server_api)
