"""A server of KFP's API, as far as it is asked here: every request must be as the published API has it."""

import datetime
import json
import ssl
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kfp_server_api import RecurringRunMode

from tests.kubeflow.openapi import Json, SchemaError
from tests.kubeflow.server.published_api import check_answer, checked, fits
from tests.web_service import WebService

START = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KfpServer(WebService):
    """Experiments, runs and recurring runs in memory, on a free port.

    Attributes:
        experiments, runs, recurring: what there is, oldest first.
        wrong: what was not as the published API has it.
        seen: names of the operations that were asked for.
        states: those that a run goes through, one each time it is looked at.
        end: further fields of a run in the last of these.
        multi_user: whether each user has a namespace.
        token: what every request must bring; none takes all.
        login_page: whether everything is answered with HTML, as by a proxy that wants a password.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.experiments: list[Json] = []
        self.runs: list[Json] = []
        self.recurring: list[Json] = []
        self.wrong: list[str] = []
        self.seen: list[str] = []
        self.states = ["PENDING", "RUNNING", "SUCCEEDED"]
        self.end: Json = {}
        self.multi_user = False
        self.token: str | None = None
        self.login_page = False
        self._ids = count(1)
        super().__init__(self._handler())
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"] or 0))
                status, answer = server.handle(self.command, self.path, dict(self.headers), body)
                text = b"<html>Log in</html>" if server.login_page else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "text/html" if server.login_page else "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815  the base class looks for these

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler

    def handle(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Json]:
        """Check a request, do what it says, check the answer."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        try:
            if self.token and headers.get("authorization") != f"Bearer {self.token}":
                raise RefusedError(401, "Request header error: there is no user identity header.")
            operation, ids = checked(method, parts.path, query, json.loads(body) if body else None)
            self.seen.append(operation.name)
            answer = getattr(self, f"_{operation.name}")(query, ids, json.loads(body) if body else {})
            check_answer(operation, answer)
        except RefusedError as error:
            return error.status, {"error": str(error), "code": 3, "message": str(error), "details": []}
        except (SchemaError, AttributeError, KeyError, ValueError) as error:
            self.wrong.append(f"{method} {target}: {error!r}")
            return 400, {"message": str(error)}
        return 200, answer

    def _healthz_service_get_healthz(self, *_: Json) -> Json:
        return {"multi_user": self.multi_user}

    def _experiment_service_list_experiments(self, query: Json, *_: Json) -> Json:
        if self.multi_user and not query.get("namespace"):
            raise RefusedError(
                400, "Invalid input error: A namespace must be specified in multi-user mode\nat list.go:1"
            )
        found = [
            one
            for one in self.experiments
            if fits(one, query.get("filter")) and one.get("namespace", "") == query.get("namespace", "")
        ]
        return {"experiments": found, "total_size": len(found)}

    def _experiment_service_create_experiment(self, _query: Json, _ids: Json, body: Json) -> Json:
        self.experiments.append({"experiment_id": f"experiment-{next(self._ids)}", **body})
        return self.experiments[-1]

    def _run_service_create_run(self, _query: Json, _ids: Json, body: Json) -> Json:
        self._check_pipeline(body)
        moment = (START + datetime.timedelta(hours=len(self.runs))).isoformat()
        self.runs.append({"run_id": f"run-{next(self._ids)}", "created_at": moment, "state": self.states[0], **body})
        return self.runs[-1]

    def _run_service_get_run(self, _query: Json, ids: Json, _body: Json) -> Json:
        run = _one(self.runs, "run_id", ids)
        state = self.states[min(self.states.index(run["state"]) + 1, len(self.states) - 1)]
        run["state"] = state
        if state == self.states[-1]:
            finished = datetime.datetime.fromisoformat(run["created_at"]) + datetime.timedelta(seconds=83)
            run |= {"finished_at": finished.isoformat(), **self.end}
        return run

    def _run_service_list_runs(self, query: Json, *_: Json) -> Json:
        assert query["sort_by"] == "created_at desc"
        found = [one for one in self.runs if one["experiment_id"] == query["experiment_id"]][::-1]
        return {"runs": found[: int(query["page_size"])], "total_size": len(found)}

    def _recurring_run_service_create_recurring_run(self, _query: Json, _ids: Json, body: Json) -> Json:
        self._check_pipeline(body)
        if len(body["trigger"]["cron_schedule"]["cron"].split()) != 6:
            raise RefusedError(400, "Invalid input error: Schedule cron is not supported. Please use 6 fields")
        if not 1 <= int(body["max_concurrency"]) <= 10:
            raise RefusedError(400, "Invalid input error: Recurring run's max concurrency must be at least 1")
        status = "ENABLED" if body["mode"] == RecurringRunMode.ENABLE else "DISABLED"
        self.recurring.append({"recurring_run_id": f"schedule-{next(self._ids)}", "status": status, **body})
        return self.recurring[-1]

    def _recurring_run_service_list_recurring_runs(self, query: Json, *_: Json) -> Json:
        """One a page: how many it returns is a server's to say."""
        found = [
            one
            for one in self.recurring
            if one["experiment_id"] == query["experiment_id"] and fits(one, query.get("filter"))
        ]
        first = int(query.get("page_token") or 0)
        more = {"next_page_token": str(first + 1)} if first + 1 < len(found) else {}
        return {"recurringRuns": found[first : first + 1], "total_size": len(found), **more}

    def _recurring_run_service_delete_recurring_run(self, _query: Json, ids: Json, _body: Json) -> Json:
        self.recurring.remove(_one(self.recurring, "recurring_run_id", ids))
        return {}

    def _check_pipeline(self, body: Json) -> None:
        """What the server looks at before it takes a pipeline."""
        _one(self.experiments, "experiment_id", body)
        given = body["pipeline_spec"]
        spec = given.get("pipeline_spec", given)
        if spec["schemaVersion"] != "2.1.0":
            raise RefusedError(400, f"Invalid input error: schema version {spec['schemaVersion']} is not supported")
        known = spec["root"]["inputDefinitions"]["parameters"]
        for name, value in body["runtime_config"]["parameters"].items():
            if name not in known:
                raise RefusedError(400, f"Invalid input error: parameter {name} is not in the pipeline")
            if known[name]["parameterType"] == "STRING" and not isinstance(value, str):
                raise RefusedError(400, f"Invalid input error: input parameter {name} requires type string")


def _one(items: list[Json], key: str, ids: Json) -> Json:
    for item in items:
        if item[key] == ids[key]:
            return item
    raise RefusedError(404, f"Resource not found: {ids[key]} not found")
