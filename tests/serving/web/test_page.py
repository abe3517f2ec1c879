"""The page in headless Chromium, before a real server."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.process import ModelServer
from tests.serving.encoder import save_encoder
from tests.serving.web.browser import PROGRAM, Browser
from tests.serving.web.conftest import MODELS

pytestmark = pytest.mark.skipif(
    not PROGRAM, reason="no Chromium on PATH: apt-get install chromium, where ./dev uses a Debian 13 root in there"
)

DONE = "document.querySelector('.by')"
PROBLEM = "!document.querySelector('#problem').hidden && document.querySelector('#problem').textContent"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser; a test leaves nothing red in its console."""
    chromium.problems.clear()
    yield chromium
    assert chromium.problems == []


def results(browser: Browser) -> list[list[str]]:
    """The texts of every row."""
    return browser.evaluate(
        "[...document.querySelectorAll('.found li')].map(row => [...row.children].map(cell => cell.textContent))"
    )


def ask(browser: Browser, text: str) -> None:
    browser.evaluate("document.querySelector('#results').replaceChildren()")
    browser.evaluate("document.querySelector('#text').select()")
    browser.type(text)
    browser.press("Enter")


def test_a_question_is_answered_by_keyboard_alone(browser: Browser, web_server: ModelServer) -> None:
    browser.open(web_server.url)
    assert browser.evaluate("document.querySelector('#serving').textContent") == "faq, version 9 (canary)"
    browser.evaluate("document.querySelector('#model').focus()")
    for _ in range(2):  # over the choice of the version
        browser.press("Tab")
    browser.type("How long?")
    browser.press("Enter")
    browser.wait_for(DONE)
    assert results(browser) == [["né How long?", "0.281", "a1"], ["How long?", "0.070"]]
    assert "Answered by faq, version 9, in " in browser.text()
    assert browser.evaluate("document.querySelector('.found li').style.getPropertyValue('--share')") == "28.125%"


def test_shift_and_enter_begin_a_new_line(browser: Browser, web_server: ModelServer) -> None:
    browser.open(web_server.url)
    browser.evaluate("document.querySelector('#text').focus()")
    browser.type("a")
    browser.press("Enter", modifiers=8)
    browser.type("b")
    assert browser.evaluate("document.querySelector('#text').value") == "a\nb"
    assert results(browser) == []


def test_what_comes_back_is_text_and_no_html(browser: Browser, web_server: ModelServer) -> None:
    browser.open(web_server.url)
    hostile = "<img src=x onerror=alert(1)><b>bold</b>"
    ask(browser, hostile)
    browser.wait_for(DONE)
    assert results(browser)[1][0] == hostile
    assert browser.evaluate("document.querySelectorAll('#results img, #results b').length") == 0


def test_another_version_can_answer(browser: Browser, web_server: ModelServer) -> None:
    browser.open(web_server.url)
    choices = browser.evaluate("[...document.querySelectorAll('#version option')].map(each => each.textContent)")
    assert choices == ["newest: 9", "9 (canary)", "7 (stable)"]
    choose(browser, "version", "7")
    ask(browser, "How long?")
    browser.wait_for(DONE)
    assert results(browser)[0][1] == "0.563"
    assert "Answered by faq, version 7, in " in browser.text()


def choose(browser: Browser, which: str, value: str) -> None:
    browser.evaluate(f"""
        document.querySelector('#{which}').value = '{value}';
        document.querySelector('#{which}').dispatchEvent(new Event('change'))
    """)


def test_a_picture_is_classified_with_its_neighbours(browser: Browser, web_server: ModelServer, png: Path) -> None:
    browser.open(web_server.url)
    choose(browser, "model", "pictures")
    browser.wait_for("!document.querySelector('#picture-input').hidden")
    assert browser.evaluate("location.hash") == "#pictures"
    browser.choose_file("#file", png)
    browser.wait_for(DONE)
    assert results(browser) == [
        ["seven", "99.2 %"],
        ["length 20", "0.8 %"],
        ["seven", "0.016", "7/a.png"],
        ["eight", "0.008", "7/b.png"],
    ]
    assert browser.evaluate("document.querySelector('#preview').src.startsWith('blob:')")


def test_a_picture_can_be_dropped_and_pasted(browser: Browser, web_server: ModelServer) -> None:
    for event in ("drop", "paste"):
        browser.open(f"{web_server.url}/#pictures")
        browser.evaluate(f"""
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array([0xff, 0xd8, 0xff, 1, 2])], 'photo.jpg'));
            document.body.dispatchEvent('{event}' === 'drop'
                ? new DragEvent('drop', {{dataTransfer: data, bubbles: true, cancelable: true}})
                : new ClipboardEvent('paste', {{clipboardData: data, bubbles: true}}));
        """)
        browser.wait_for(DONE)
        assert results(browser)[1] == ["length 5", "0.8 %"], event


def test_a_picture_can_be_a_question(browser: Browser, web_server: ModelServer, png: Path) -> None:
    browser.open(f"{web_server.url}/#names")
    assert browser.evaluate("document.querySelector('#send').textContent") == "Ask"
    browser.choose_file("#file", png)
    browser.wait_for(DONE)
    assert results(browser)[0][1:] == ["1.250", "a1"]


def test_a_text_is_classified(browser: Browser, web_server: ModelServer) -> None:
    browser.open(f"{web_server.url}/#news")
    assert browser.evaluate("document.querySelector('#text-label').textContent") == "Your text"
    ask(browser, "four")
    browser.wait_for(DONE)
    assert results(browser) == [["seven", "99.2 %"], ["length 4", "0.8 %"]]


def test_the_models_own_refusal_is_shown(browser: Browser, web_server: ModelServer) -> None:
    browser.open(f"{web_server.url}/#news")
    ask(browser, "bad one")
    browser.wait_for(PROBLEM)
    assert "it is bad" in browser.evaluate(PROBLEM)
    assert results(browser) == []
    (red,) = browser.problems
    browser.problems.clear()  # Chromium tells of every answer that is no 2xx
    assert "400" in red
    ask(browser, "good one")
    browser.wait_for(DONE)
    assert not browser.evaluate(PROBLEM)


@pytest.mark.parametrize(
    ("model", "act", "sentence"),
    [
        ("faq", "requestSubmit()", "Type a text first."),
        ("pictures", "requestSubmit()", "Choose a picture first."),
    ],
)
def test_nothing_to_ask(browser: Browser, web_server: ModelServer, model: str, act: str, sentence: str) -> None:
    browser.open(f"{web_server.url}/#{model}")
    browser.evaluate(f"document.querySelector('#ask').{act}")
    browser.wait_for(PROBLEM)
    assert browser.evaluate(PROBLEM) == sentence


def test_a_file_that_is_no_picture(browser: Browser, web_server: ModelServer, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("not really")
    browser.open(f"{web_server.url}/#pictures")
    browser.choose_file("#file", tmp_path / "notes.png")
    browser.wait_for(PROBLEM)
    assert browser.evaluate(PROBLEM) == "notes.png is not a picture: PNG, JPEG, GIF and BMP are understood."


def test_a_model_that_the_page_cannot_ask(browser: Browser, web_server: ModelServer) -> None:
    browser.open(f"{web_server.url}/#zoo")
    assert "zoo has no signature that this page can show. It has: half_floats, kinds" in browser.text()
    assert browser.evaluate("document.querySelector('#ask').hidden")


def test_a_model_that_is_not_there(browser: Browser, web_server: ModelServer) -> None:
    browser.open(f"{web_server.url}/#nobody%")
    assert "There is no model named nobody% on this server." in browser.text()
    assert browser.evaluate("document.querySelector('#model').value") == "faq"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_and_can_be_read(
    browser: Browser, web_server: ModelServer, tmp_path: Path, width: int, *, dark: bool
) -> None:
    browser.open(web_server.url, width=width, dark=dark)
    ask(browser, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3)
    browser.wait_for(DONE)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    small = browser.evaluate("""
        [...document.querySelectorAll('textarea, select, button')].filter(each => each.offsetParent)
            .filter(each => each.offsetHeight < 34).map(each => each.id)
    """)
    assert small == []
    assert contrast(browser) >= 4.5
    browser.screenshot(tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as picture:
        assert picture.width == width
        assert (np.asarray(picture.convert("L")).mean() < 100) == dark


def contrast(browser: Browser) -> float:
    """The least contrast of texts against the colour behind them (WCAG 2)."""
    return browser.evaluate("""(() => {
        const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b]
            .map(part => part / 255).map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
            .reduce((sum, part, index) => sum + part * [.2126, .7152, .0722][index], 0);
        const behind = element => {
            const colour = numbers(getComputedStyle(element).backgroundColor);
            return colour[3] === 0 ? behind(element.parentElement) : colour;
        };
        return Math.min(...[...document.querySelectorAll('.serving, .hint, .what, .much, .key, .by, label, button, h2')]
            .filter(element => element.offsetParent)
            .map(element => {
                const [one, two] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
                return (Math.max(one, two) + .05) / (Math.min(one, two) + .05);
            }));
    })()""")


def test_a_server_that_goes_away_and_comes_back_with_another_version(browser: Browser, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    save_encoder(tmp_path / "faq" / "3", 0.0625, MODELS["faq"])
    server = ModelServer({"faq": tmp_path / "faq"}, flags={"rest_api_port": port})
    with server:
        browser.open(server.url)
        ask(browser, "first")
        browser.wait_for(DONE)
    ask(browser, "second")
    browser.wait_for("!document.querySelector('#away').hidden")
    assert "The server does not answer. Is it still running?" in browser.text()
    assert not browser.evaluate(PROBLEM)
    browser.problems.clear()  # Chromium tells of each refused connection

    shutil.copytree(tmp_path / "faq" / "3", tmp_path / "faq" / "4")
    with server:
        browser.wait_for("document.querySelector('#away').hidden")
        assert browser.evaluate("document.querySelector('#serving').textContent") == "faq, version 4"
        ask(browser, "third")
        browser.wait_for(DONE)
        assert results(browser)[0][0] == "né third"
    browser.problems.clear()
