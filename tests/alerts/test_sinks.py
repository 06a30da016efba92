"""Real sinks: a mail server and a web server on this machine, which fail on purpose."""

import json
import random
import socket
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from wg_dagster.alerts import Alert, Outbox, load_routes
from wg_dagster.alerts.alert import alert_id
from wg_dagster.alerts.sinks import Sink, to_apprise, to_json_lines, to_mail
from wg_dagster.errors import BadInput, SinkFailed
from wg_dagster.warehouse import Warehouse

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def alert(number=1, severity="ERROR"):
    return Alert(alert_id(str(number)), "clean.prices", "2026-01", severity, f"価格 {number}\nfailed", "3 rows", NOW.isoformat())


class Mails:
    """Takes mails; the first `refused` get the answer 451."""

    def __init__(self, refused=0):
        self.refused, self.taken = refused, []

    async def handle_DATA(self, server, session, envelope):
        if self.refused:
            self.refused -= 1
            return "451 try later"
        self.taken.append(message_from_bytes(envelope.content))
        return "250 OK"


def mail_server(handler, **options):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, **options)
    controller.start()
    return controller, port


def mail_to(port, login=None):
    return to_mail("127.0.0.1", port, sender="platform@example.org", recipients=["desk@example.org"], login=login, starttls=False)


def test_a_mail_says_what_failed_and_how_to_acknowledge_it():
    mails = Mails()
    controller, port = mail_server(mails)
    try:
        mail_to(port)(alert())
    finally:
        controller.stop()
    (mail,) = mails.taken
    assert str(make_header(decode_header(mail["Subject"]))) == "[ERROR] 価格 1 failed"
    assert f"wg alerts --acknowledge {alert().alert_id}" in mail.get_payload(decode=True).decode()


def test_a_mail_server_that_refuses_or_is_gone_is_a_dead_sink():
    controller, port = mail_server(Mails(refused=1))
    try:
        with pytest.raises(SinkFailed, match=f"mail server 127.0.0.1:{port}: SMTPDataError"):
            mail_to(port)(alert())
    finally:
        controller.stop()
    with pytest.raises(SinkFailed, match="ConnectionRefusedError"):
        mail_to(port)(alert())


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_the_password_comes_from_the_environment_and_is_never_shown(tmp_path, monkeypatch):
    def check(server, session, envelope, mechanism, data):
        return AuthResult(success=isinstance(data, LoginPassword) and data.password == b"secret-word", handled=False)

    mails = Mails()
    controller, port = mail_server(mails, authenticator=check, auth_required=True, auth_require_tls=False)
    (tmp_path / "alerts.toml").write_text(
        f'[[sink]]\nname = "mail"\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsender = "platform@example.org"\n'
        'recipients = ["desk@example.org"]\nuser_from = "WG_TEST_USER"\npassword_from = "WG_TEST_PASSWORD"\n'
    )
    monkeypatch.setenv("WG_TEST_USER", "platform")
    try:
        for word in ("wrong-word", "secret-word"):
            monkeypatch.setenv("WG_TEST_PASSWORD", word)
            deliver = next(sink.deliver for sink in load_routes(Warehouse(tmp_path)).sinks if sink.name == "mail")
            if word == "secret-word":
                deliver(alert())
                continue
            with pytest.raises(SinkFailed, match="SMTPAuthenticationError") as failure:
                deliver(alert())
            assert word not in str(failure.value)
    finally:
        controller.stop()
    assert len(mails.taken) == 1


class Hook(BaseHTTPRequestHandler):
    """A web hook that fails as often as `failing` says."""

    failing = staticmethod(lambda: False)
    taken: Counter

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.failing():
            self.send_response(503)
        else:
            self.taken[body["message"].split()[-1]] += 1
            self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook():
    handler = type("OwnHook", (Hook,), {"taken": Counter()})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler, f"json://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_hook_is_told_and_its_failure_names_the_sink_not_the_address(hook):
    handler, address = hook
    deliver = to_apprise(address, "desk")
    deliver(alert())
    assert handler.taken == {alert().alert_id: 1}
    handler.failing = staticmethod(lambda: True)
    with pytest.raises(SinkFailed, match=r"^desk: the service did not take the alert$"):
        deliver(alert())


def test_an_address_that_apprise_does_not_know_is_refused_without_showing_it():
    with pytest.raises(BadInput, match="sink desk") as failure:
        to_apprise("pigeon://secret-word", "desk")
    assert "secret-word" not in str(failure.value)


def test_500_failed_deliveries_lose_no_alert(tmp_path, hook):
    """Three sinks, of which two fail in most tries, and a process that is restarted between flushes."""
    handler, address = hook
    chance = random.Random(7)
    failures = Counter()

    def fails(name, share):
        failed = chance.random() < share
        failures[name] += failed
        return failed

    handler.failing = staticmethod(lambda: fails("hook", 0.8))
    path = tmp_path / "flaky.jsonl"

    def flaky(one):
        if fails("file", 0.75):
            raise SinkFailed("disk")
        to_json_lines(path)(one)

    sinks = [Sink("hook", to_apprise(address, "hook")), Sink("flaky", flaky), Sink("file", to_json_lines(tmp_path / "sure.jsonl"))]
    ids = set()
    for hour in range(2_000):
        if hour < 80:
            ids |= {one.alert_id for one in Outbox(tmp_path).put([alert(hour)])}
        told = Outbox(tmp_path).flush(sinks, NOW + timedelta(hours=hour))
        if hour >= 80 and not any(one.waiting for one in told):
            break
    assert failures.total() >= 500
    assert len(ids) == 80
    for sink in ("flaky", "sure"):
        assert Counter(json.loads(line)["alert_id"] for line in (tmp_path / f"{sink}.jsonl").read_text().splitlines()) == dict.fromkeys(
            ids, 1
        )
    assert handler.taken == dict.fromkeys(ids, 1)
