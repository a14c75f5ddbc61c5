"""Deliveries against a real HTTP server on loopback: confirmed, retried, given up, and never lost."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from alerts.delivery import HOLD, Delivered, deliver_due
from nlp.segment import cut
from qingting.config import AlertsConfig, ReceiverConfig, Secret, StoreConfig
from qingting.model import SHANGHAI, DeliveryState, Matter
from qingting.store import open_store

LEAK = "恒泰化工好像泄漏了"


@dataclass
class Receiver:
    """A receiver on loopback: what it got, and what it answers next (the last answer stays)."""

    port: int = 0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    got: list[tuple[dict[str, str], dict[str, object]]] = field(default_factory=list)
    hang: threading.Event | None = None
    on_receipt: list[object] = field(default_factory=list)

    def config(self, name: str = "值班室", min_level: str = "blue") -> ReceiverConfig:
        return ReceiverConfig(name, "webhook", Secret(f"http://127.0.0.1:{self.port}/hook?token=s3cret"), min_level)

    @property
    def keys(self) -> list[str]:
        return [headers["idempotency-key"] for headers, _ in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    yield from _serve()


@pytest.fixture
def second() -> Iterator[Receiver]:
    yield from _serve()


def _serve() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
            for act in state.on_receipt:
                act()
            if state.hang is not None:
                state.hang.wait(5)
            status, headers = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except BrokenPipeError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    if state.hang is not None:
        state.hang.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as opened:
        yield opened


def raise_alerts(desk, say, count=1, *receivers, **more):
    """Raise alerts for the receivers and return the settings and the moment after."""
    desk.settings = AlertsConfig(receivers=receivers, **more)
    places = ["990102", "990103", "990104"]
    for n in range(count):
        company = f"{'金银铜铁锡松竹梅'[n]}泰化工"
        desk.hear(say(f"{company}好像泄漏了", 8 + n, company=company, matter=Matter.COMPLAINT, place=places[n % 3]))
    assert len(desk.alerts) == count
    return desk.settings, desk.alerts[-1].created_at


def deliveries(desk, number=0):
    return desk.store.cases.alerts.deliveries(desk.alerts[number].id)


def test_a_confirmed_delivery_is_recorded_and_not_sent_again(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(delivered=1)
    assert deliver_due(desk.store.cases, settings, now + timedelta(hours=1), client) == Delivered()
    [delivery] = deliveries(desk)
    assert (delivery.state, delivery.attempts, delivery.delivered_at) == (DeliveryState.DELIVERED, 1, now)
    assert len(receiver.got) == 1


def test_the_document_has_the_fields_that_receivers_rely_on(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    deliver_due(desk.store.cases, settings, now, client)
    headers, document = receiver.got[0]
    assert headers["content-type"] == "application/json"
    assert set(document) == {"receiver", "sent_at", "alerts"}
    [alert] = document["alerts"]
    assert (document["receiver"], alert["level"], alert["level_label"]) == ("值班室", "orange", "橙色（重大）")
    assert alert["id"] == desk.alerts[0].id
    assert alert["event_id"] == desk.alerts[0].event_id
    assert alert["title"] == desk.alerts[0].title
    assert alert["steps"][0] == {"question": "出现必报词", "held": True, "detail": "“泄漏”，不在例外短语之内"}
    assert {each["name"] for each in alert["deadlines"]} >= {"回应社会关切"}
    assert alert["triggered_at"].endswith("+00:00")


def test_a_server_error_is_retried_until_it_is_confirmed(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    receiver.answers = [(500, {}), (502, {}), (200, {})]
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(retried=1)
    [delivery] = deliveries(desk)
    assert delivery.next_attempt_at == now + timedelta(seconds=30)
    assert delivery.reason == "接收方出错（500）"
    assert deliver_due(desk.store.cases, settings, now + timedelta(seconds=29), client) == Delivered()
    assert deliver_due(desk.store.cases, settings, now + timedelta(seconds=30), client) == Delivered(retried=1)
    [delivery] = deliveries(desk)
    assert delivery.next_attempt_at == now + timedelta(seconds=30 + 60)
    assert deliver_due(desk.store.cases, settings, now + timedelta(seconds=90), client) == Delivered(delivered=1)
    assert deliveries(desk)[0].attempts == 3
    assert len(set(receiver.keys)) == 1


def test_pauses_double_up_to_the_longest(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    receiver.answers = [(503, {})]
    pauses = []
    for _ in range(9):
        deliver_due(desk.store.cases, settings, now, client)
        [delivery] = deliveries(desk)
        pauses.append((delivery.next_attempt_at - now).total_seconds())
        now = delivery.next_attempt_at
    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]


def test_it_is_given_up_with_the_reason_after_the_retry_hours(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config(), retry_hours=1.0)
    receiver.answers = [(503, {})]
    outcome, rounds = Delivered(), 0
    while not outcome.failed and rounds < 50:
        outcome = deliver_due(desk.store.cases, settings, now, client)
        now, rounds = deliveries(desk)[0].next_attempt_at, rounds + 1
    [delivery] = deliveries(desk)
    assert delivery.state is DeliveryState.FAILED
    assert delivery.reason == "接收方出错（503）；1 小时内未能送达，不再重试"
    assert delivery.attempts == len(receiver.got) == 8


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured_in_seconds_and_as_a_date(desk, say, receiver, client, as_date):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    until = now + timedelta(seconds=600)
    receiver.answers = [(429, {"Retry-After": format_datetime(until.astimezone(SHANGHAI)) if as_date else "600"})]
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(retried=1)
    assert deliveries(desk)[0].next_attempt_at == until
    assert deliveries(desk)[0].reason == "接收方限流（429）"


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "１２", "9" * 40])
def test_a_nonsensical_retry_after_does_no_harm(desk, say, receiver, client, nonsense):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    receiver.answers = [(429, {"Retry-After": nonsense.encode().decode("latin-1")})]
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(retried=1)
    assert now < deliveries(desk)[0].next_attempt_at <= now + timedelta(hours=settings.retry_hours)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301])
def test_a_refusal_is_given_up_at_once_with_the_reason(desk, say, receiver, client, status):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    receiver.answers = [(status, {"Location": "http://127.0.0.1:1/"} if status == 301 else {})]
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(failed=1)
    [delivery] = deliveries(desk)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, f"接收方拒收（{status}）")


def test_a_receiver_that_hangs_is_tried_again_later(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config(), timeout_seconds=0.2)
    receiver.hang = threading.Event()
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(retried=1)
    assert deliveries(desk)[0].reason == "0.2 秒内没有应答"
    receiver.hang.set()


def test_a_refused_connection_is_tried_again_later(desk, say, client):
    gone = ReceiverConfig("值班室", "webhook", Secret("http://127.0.0.1:9/hook?token=s3cret"))
    settings, now = raise_alerts(desk, say, 1, gone)
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(retried=1)
    assert deliveries(desk)[0].reason == "连不上接收方（ConnectError）"


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/x", "http://[::1"])
def test_an_address_that_cannot_work_is_given_up_at_once(desk, say, client, url):
    settings, now = raise_alerts(desk, say, 1, ReceiverConfig("值班室", "webhook", Secret(url)))
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(failed=1)
    assert deliveries(desk)[0].reason == "接收地址不可用，请检查配置"


def test_each_receiver_is_recorded_for_itself_and_the_good_one_not_told_again(desk, say, receiver, second, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config("值班室"), second.config("局领导"))
    second.answers = [(500, {}), (200, {})]
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(delivered=1, retried=1)
    assert deliver_due(desk.store.cases, settings, now + timedelta(minutes=1), client) == Delivered(delivered=1)
    assert (len(receiver.got), len(second.got)) == (1, 2)
    assert {each.state for each in deliveries(desk)} == {DeliveryState.DELIVERED}


def test_from_the_digest_size_on_one_message_holds_all(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 4, receiver.config(), digest_from=4)
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(delivered=4)
    [(_, document)] = receiver.got
    assert {each["id"] for each in document["alerts"]} == {alert.id for alert in desk.alerts}


def test_below_the_digest_size_each_alert_comes_by_itself(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 3, receiver.config(), digest_from=4)
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(delivered=3)
    assert [len(document["alerts"]) for _, document in receiver.got] == [1, 1, 1]
    assert len(set(receiver.keys)) == 3


def test_after_one_message_failed_the_rest_wait_with_it(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 3, receiver.config(), digest_from=9)
    receiver.answers = [(429, {"Retry-After": "300"}), (200, {})]
    assert deliver_due(desk.store.cases, settings, now, client) == Delivered(retried=1)
    assert len(receiver.got) == 1
    assert {deliveries(desk, n)[0].next_attempt_at for n in range(3)} == {now + timedelta(seconds=300)}
    assert sorted(deliveries(desk, n)[0].attempts for n in range(3)) == [0, 0, 1]
    assert deliver_due(desk.store.cases, settings, now + timedelta(seconds=300), client) == Delivered(delivered=3)


def test_a_receiver_that_was_taken_out_of_the_configuration_is_given_up(desk, say, receiver, client):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    assert deliver_due(desk.store.cases, replace(settings, receivers=()), now, client) == Delivered(failed=1)
    assert deliveries(desk)[0].reason == "接收方已从配置中删除或停用"
    assert receiver.got == []


@pytest.mark.parametrize("status", [200, 500, 404])
def test_the_secret_in_the_address_is_in_no_record_and_no_log(desk, say, receiver, client, caplog, status):
    caplog.set_level(logging.DEBUG)
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    receiver.answers = [(status, {})]
    deliver_due(desk.store.cases, settings, now, client)
    assert "s3cret" not in caplog.text
    assert "s3cret" not in deliveries(desk)[0].reason
    assert "s3cret" not in json.dumps(receiver.got[0][1])


def test_the_clients_own_logs_come_back_after_sending(desk, say, receiver, client, caplog):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    deliver_due(desk.store.cases, settings, now, client)
    caplog.set_level(logging.INFO)
    client.post(f"http://127.0.0.1:{receiver.port}/other", json={})
    assert "/other" in caplog.text


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
import httpx
from alerts.delivery import deliver_due
from nlp.segment import cut
from qingting.config import AlertsConfig, ReceiverConfig, Secret, StoreConfig
from qingting.store import open_store

home, url, now = Path(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3])
store = open_store(StoreConfig(), home, cut)
settings = AlertsConfig(receivers=(ReceiverConfig("值班室", "webhook", Secret(url)),))
with httpx.Client(trust_env=False) as client:
    deliver_due(store.cases, settings, now, client)
"""


def test_killed_between_sending_and_recording_it_is_sent_again_under_the_same_key(
    desk, say, receiver, client, tmp_path
):
    settings, now = raise_alerts(desk, say, 1, receiver.config())
    desk.store.close()
    arguments = [str(tmp_path), settings.receivers[0].url.reveal(), now.isoformat()]
    child = subprocess.Popen([sys.executable, "-W", "ignore", "-c", KILLED, *arguments], cwd=Path(__file__).parents[2])
    receiver.on_receipt = [lambda: os.kill(child.pid, signal.SIGKILL)]
    assert child.wait(timeout=30) == -signal.SIGKILL
    receiver.on_receipt = []
    again = open_store(StoreConfig(), tmp_path, cut)
    assert again.cases.alerts.deliveries(desk.alerts[0].id)[0].state is DeliveryState.PENDING
    assert deliver_due(again.cases, settings, now, client) == Delivered()
    assert deliver_due(again.cases, settings, now + HOLD, client) == Delivered(delivered=1)
    again.close()
    assert len(receiver.got) == 2
    assert receiver.keys[0] == receiver.keys[1]
