"""What needs no browser: the page's files, their headers, and what models there are."""

import http.client
import json
import re
from pathlib import Path
from typing import Any

import pytest

from serving.process import ModelServer
from serving.server import web

FOLDER = Path(web.__file__).parents[1] / "web"
SCRIPTS = sorted(FOLDER.glob("*.js"))


def fetch(server: ModelServer, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(server.host, server.rest_port, timeout=20)
    connection.request(method, path)
    answer = connection.getresponse()
    result = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return result


def test_the_page_and_all_that_it_names_are_there(web_server: ModelServer) -> None:
    status, headers, body = fetch(web_server, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="(web/[^"]+)"', body.decode())
    for script in SCRIPTS:
        named += [f"web/{name}" for name in re.findall(r'from "\./(\w+\.js)"', script.read_text())]
    assert {"web/style.css", "web/page.js", "web/view.js", "web/icon.svg"} <= set(named)
    for path in named:
        status, headers, content = fetch(web_server, f"/{path}")
        assert status == 200, path
        assert content == (FOLDER / path.removeprefix("web/")).read_bytes()
        kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[path.rpartition(".")[2]]
        assert headers["content-type"].partition(";")[0] == kind


def test_a_browser_is_told_to_trust_nobody_else(web_server: ModelServer) -> None:
    for path in ("/", "/web/page.js", "/web/models"):
        _, headers, _ = fetch(web_server, path)
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_html_of_data_or_goes_elsewhere(script: Path) -> None:
    text = script.read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text)
    assert "//" not in re.sub(r"(^|\s)//.*", "", text)


def test_the_page_has_neither_scripts_nor_styles_of_its_own() -> None:
    text = (FOLDER / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?:", text)


def test_head_has_the_headers_alone(web_server: ModelServer) -> None:
    status, headers, body = fetch(web_server, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) == (FOLDER / "index.html").stat().st_size


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/"), ("GET", "/web"), ("GET", "/web/../setup.py"), ("GET", "/web/index.html")]
)
def test_nothing_else_is_there(web_server: ModelServer, method: str, path: str) -> None:
    status, headers, body = fetch(web_server, path, method)
    assert (status, json.loads(body)) == (404, {"error": "Not Found"})
    assert headers["content-type"] == "application/json"


def test_models_are_listed_with_versions_labels_and_signatures(web_server: ModelServer) -> None:
    _, headers, body = fetch(web_server, "/web/models")
    assert headers["content-type"] == "application/json"
    models = {model["name"]: model["versions"] for model in json.loads(body)["models"]}
    assert list(models) == ["faq", "pictures", "names", "news", "zoo"]
    newest, oldest = models["faq"]
    assert (newest["version"], newest["state"], newest["labels"]) == ("9", "AVAILABLE", ["canary"])
    assert (oldest["version"], oldest["labels"], oldest["error"]) == ("7", ["stable"], "")
    assert newest["signatures"] == {
        "question": {"inputs": {"text": "string"}, "outputs": {"vector": "float"}},
        "search": {
            "inputs": {"text": "string"},
            "outputs": {"candidates": "string", "ids": "string", "scores": "float"},
        },
    }
    assert models["pictures"][0]["signatures"]["classify"]["inputs"] == {"image_bytes": "string"}


def test_a_flag_turns_it_off(saved_models: Any) -> None:
    with ModelServer({"m": saved_models.adder}, flags={"web": "false"}) as server:
        for path in ("/", "/web/page.js", "/web/models"):
            assert fetch(server, path)[0] == 404
        assert fetch(server, "/v1/models/m")[0] == 200
