"""What is sent where, how often, and what is said when it does not arrive."""

import datetime
import socket
import time

import pytest

from components.errors import UserError
from pipeline.schedule.attempt import Record
from pipeline.schedule.webhook import TRIES, Webhook
from tests.pipeline.schedule.receiver import Receiver

NOW = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
REFUSED = Record(
    pipeline="faq",
    due=NOW,
    start=NOW,
    end=NOW,
    exit_code=3,
    outcome="refused by gate",
    blessed=False,
    refused_by=["mrr 0.2, at least 0.3 wanted", "recall@1 0.1, at least 0.2 wanted"],
    metrics={"mrr": 0.2},
)


def told(url: str) -> list[str]:
    """What is said of an attempt to tell of a refusal."""
    said: list[str] = []
    webhook = Webhook(url, said.append, backoff=0.01)
    webhook.tell(REFUSED)
    webhook.finish()
    return said


def test_a_refusal_is_told_with_every_gate() -> None:
    with Receiver() as receiver:
        assert told(receiver.url) == []
    (body,) = receiver.bodies
    assert (body["exit_code"], body["blessed"], body["metrics"]) == (3, False, {"mrr": 0.2})
    assert body["text"] == f"Anchorline: faq was not pushed: {'; '.join(REFUSED.refused_by)}"


def test_what_stays_away_is_tried_again_and_then_told_without_the_secret() -> None:
    with Receiver(failures=99) as receiver:
        assert told(receiver.url) == ["the webhook at 127.0.0.1 answered 503"]
    assert len(receiver.bodies) == TRIES


def test_what_refuses_is_not_tried_again() -> None:
    with Receiver(failures=99, status=404) as receiver:
        assert told(receiver.url) == ["the webhook at 127.0.0.1 answered 404"]
    assert len(receiver.bodies) == 1


def test_nobody_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert told(f"http://127.0.0.1:{taken.getsockname()[1]}/?token=secret") == [
            "the webhook at 127.0.0.1 was not reached: ConnectionError"
        ]


def test_one_that_never_answers_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        webhook = Webhook(f"http://127.0.0.1:{silent.getsockname()[1]}", lambda _: None)
        start = time.monotonic()
        webhook.tell(REFUSED)
        assert time.monotonic() - start < 1


@pytest.mark.parametrize("url", ["ftp://host/x", "http://", "//host", "hooks.example.org/secret", "http://[::1"])
def test_what_is_no_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(UserError, match="--webhook: must be an address") as caught:
        Webhook(url, lambda _: None)
    assert "secret" not in str(caught.value)
