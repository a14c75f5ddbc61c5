"""That posts and cases go over TLS only to a server that proves who it is, and that no key or password is ever told."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import logging
import os
import shutil
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from qingting.cli import app
from qingting.commands.shared import run
from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry, Post, Reading
from qingting.store import Search, Store, open_store
from qingting.strict import Secret

NOW = datetime(2025, 3, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)
KEY = "Z2VoZWltOnZlcnlzZWNyZXQ="
PASSWORD = "geheim"
WRONG = "falsch"

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


@dataclass(frozen=True)
class Authority:
    """An authority made on the fly, and the file of its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path

    def certify(self, folder: Path, *names: str, days: int = 1) -> tuple[Path, Path]:
        """Return the files of a certificate for a server of these names, and of its key; expired if days are below."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in names]
        made = (
            _certificate("server", self.certificate.subject, key, days)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        certificate, private = folder / "server.crt", folder / "server.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(_private(key))
        private.chmod(0o600)
        return certificate, private


def make_authority(folder: Path, name: str) -> Authority:
    """Make an authority of our own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = (
        _certificate(name, subject, key, 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.crt"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    # The account that runs PostgreSQL has no need of it, but libpq may run as any.
    file.chmod(0o644)
    return Authority(key, made, file)


def _certificate(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Authority]:
    """Return the office's authority, and a stranger's."""
    folder = tmp_path_factory.mktemp("authorities")
    return make_authority(folder, "office"), make_authority(folder, "stranger")


@pytest.fixture(autouse=True)
def every_log(caplog: pytest.LogCaptureFixture) -> None:
    """Log all that any library would say."""
    caplog.set_level(logging.DEBUG)


def told_of(error: BaseException) -> str:
    """Return everything that an error, its causes and its hints could show."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(getattr(error, "hint", ""))


# Elasticsearch


class Guard(ThreadingHTTPServer):
    """Stands before a node as its security does: TLS, and nobody is let in without the right credentials."""

    daemon_threads = True

    def __init__(self, node: str, certificate: tuple[Path, Path], credentials: str) -> None:
        super().__init__(("127.0.0.1", 0), _Guarded)
        self.node = node.removeprefix("http://")
        self.credentials = credentials
        self.requests: list[str] = []
        self.shown: set[str] = set()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def url(self, credentials: str, index: str, authority: Path | None = None, host: str = "127.0.0.1") -> str:
        """Return the address by which the posts come here."""
        root = f"&ca={authority}" if authority else ""
        return f"https://{credentials}@{host}:{self.server_port}/?index={index}{root}"

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection; hands are shaken when it is first read from, in its own thread."""
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of those who hung up because they don't trust us."""

    def stop(self) -> None:
        """End it."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Guarded(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Guard

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(f"{self.command} {self.path}")
        self.server.shown.add(self.headers.get("Authorization", ""))
        if self.headers.get("Authorization") != self.server.credentials:
            refusal = {"type": "security_exception", "reason": "unable to authenticate"}
            return self.answer(401, json.dumps({"error": {"root_cause": [refusal], **refusal}, "status": 401}).encode())
        connection = http.client.HTTPConnection(self.server.node, timeout=30)
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        self.answer(response.status, response.read())
        return connection.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request  # noqa: N815 - names that the library calls

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=9")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="security", charset="UTF-8", ApiKey')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


OpenGuard = Callable[..., Guard]


@pytest.fixture
def guarded(elasticsearch: str, tmp_path: Path, authorities: tuple[Authority, Authority]) -> Iterator[OpenGuard]:
    """Set a guard before the node: by default certified by the office's authority, and asking for the key."""
    guards = []

    def guard(*names: str, days: int = 1, credentials: str = f"ApiKey {KEY}") -> Guard:
        certificate = authorities[0].certify(tmp_path, *(names or ("127.0.0.1", "localhost")), days=days)
        guards.append(Guard(elasticsearch, certificate, credentials))
        return guards[-1]

    yield guard
    for each in guards:
        each.stop()


@pytest.fixture
def index(fresh_elastic: StoreConfig) -> str:
    """Return a prefix of the test's own."""
    return fresh_elastic.posts.reveal().partition("index=")[2]


def use(store: Store, make_post: MakePost, make_reading: MakeReading) -> None:
    """Write, search, claim and read as the service does."""
    store.posts.append([make_post(number, f"河水{number}") for number in range(20)])
    assert store.posts.count(Search('"河水1"')) == 11
    claimed = store.posts.claim_unread("a", 15, NOW, LEASE)
    assert [post.id for post in claimed] == [f"p{number}" for number in range(15)]
    store.posts.save_readings([make_reading(post.id) for post in claimed])
    assert (store.posts.tally(NOW).unread, store.posts.facet(Search(), "sentiment")) == (5, {"negative": 15})


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (KEY, f"ApiKey {KEY}"),
        (f"qt:{PASSWORD}", f"Basic {base64.b64encode(f'qt:{PASSWORD}'.encode()).decode()}"),
    ],
    ids=["key", "password"],
)
def test_a_cluster_certified_by_the_office_is_used_with_a_key_or_a_password(
    guarded: OpenGuard,
    index: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    make_post: MakePost,
    make_reading: MakeReading,
    caplog: pytest.LogCaptureFixture,
    given: str,
    shown: str,
) -> None:
    guard = guarded(credentials=shown)
    settings = StoreConfig(posts=Secret(guard.url(given, index, authorities[0].file)))
    store = open_store(settings, tmp_path / "home", list)
    use(store, make_post, make_reading)
    described = str(store.describe())
    store.close()
    assert guard.shown == {shown}
    assert "状态 green" in described
    for secret in (KEY, PASSWORD, shown.partition(" ")[2]):
        assert secret not in described + caplog.text + repr(settings)


def test_all_nodes_of_one_address_are_asked_over_tls(
    guarded: OpenGuard, index: str, authorities: tuple[Authority, Authority], tmp_path: Path, make_post: MakePost
) -> None:
    first, second = guarded(), guarded()
    url = first.url(KEY, index, authorities[0].file).replace("/?", f",localhost:{second.server_port}/?")
    store = open_store(StoreConfig(posts=Secret(url)), tmp_path / "home", list)
    store.posts.append([make_post(1)])
    store.close()
    assert first.shown == second.shown == {f"ApiKey {KEY}"}


def unknown(guard: OpenGuard, index: str, _authorities: tuple[Authority, Authority]) -> tuple[Guard, str]:
    """Say nothing of the office's authority: then only those that every machine knows count."""
    made = guard()
    return made, made.url(KEY, index)


def another(guard: OpenGuard, index: str, authorities: tuple[Authority, Authority]) -> tuple[Guard, str]:
    """Trust a stranger's authority instead."""
    made = guard()
    return made, made.url(KEY, index, authorities[1].file)


def misnamed(guard: OpenGuard, index: str, authorities: tuple[Authority, Authority]) -> tuple[Guard, str]:
    """Let the certificate be another server's."""
    made = guard("other.example")
    return made, made.url(KEY, index, authorities[0].file)


def expired(guard: OpenGuard, index: str, authorities: tuple[Authority, Authority]) -> tuple[Guard, str]:
    """Let the certificate be over since yesterday."""
    made = guard(days=-1)
    return made, made.url(KEY, index, authorities[0].file)


def refused(url: str, home: Path) -> StoreError:
    """Open the store of an address, which may be done at any time, and return why its posts can't be used."""
    with closing(open_store(StoreConfig(posts=Secret(url)), home, list)) as store:
        with pytest.raises(StoreError) as caught:
            store.posts.tally(NOW)
        assert caught.value.message in store.describe()["posts"]
    return caught.value


@pytest.mark.parametrize("doubtful", [unknown, another, misnamed, expired])
def test_a_cluster_that_cannot_prove_who_it_is_is_told_nothing(
    guarded: OpenGuard,
    index: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    doubtful: Callable[..., tuple[Guard, str]],
) -> None:
    guard, url = doubtful(guarded, index, authorities)
    error = refused(url, tmp_path / "home")
    assert ("证书未通过验证" in error.message, "ca=" in error.hint) == (True, True)
    assert (error.reason, error.retryable) == ("unavailable", False)
    assert (guard.requests, guard.shown) == ([], set())
    assert KEY not in told_of(error) + caplog.text


@pytest.mark.parametrize("given", [WRONG, f"qt:{WRONG}"], ids=["key", "password"])
def test_a_wrong_key_is_told_of_without_being_told(
    guarded: OpenGuard,
    index: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    given: str,
) -> None:
    guard = guarded()
    url = guard.url(given, index, authorities[0].file)
    error = refused(url, tmp_path / "home")
    assert ("口令或密钥" in error.message, "store.posts" in error.hint) == (True, True)
    assert (error.reason, error.retryable) == ("unavailable", False)
    assert guard.requests
    encoded = base64.b64encode(f"qt:{WRONG}".encode()).decode()
    for secret in (WRONG, encoded, url):
        assert secret not in told_of(error) + caplog.text


def test_a_key_that_is_withdrawn_while_the_service_runs_is_told_of(
    guarded: OpenGuard,
    index: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    make_post: MakePost,
) -> None:
    guard = guarded()
    store = open_store(StoreConfig(posts=Secret(guard.url(KEY, index, authorities[0].file))), tmp_path / "home", list)
    guard.credentials = "ApiKey another"
    with pytest.raises(StoreError, match="口令或密钥"):
        store.posts.append([make_post(1)])
    assert "口令或密钥" in store.describe()["posts"]
    guard.credentials = f"ApiKey {KEY}"
    assert store.posts.append([make_post(1)]).new == ("p1",)
    store.close()


@pytest.mark.parametrize("content", ["", "no certificate\n"])
def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ca.crt").write_text(content)
    url = f"https://{KEY}@127.0.0.1:1/?ca={tmp_path / 'ca.crt'}"
    with pytest.raises(StoreError, match="没有 PEM 格式的证书") as caught:
        open_store(StoreConfig(posts=Secret(url)), tmp_path / "home", list)
    assert (caught.value.reason, KEY in told_of(caught.value)) == ("unsupported", False)


def test_the_command_line_never_prints_the_key(
    guarded: OpenGuard,
    index: str,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard = guarded()
    config = tmp_path / "config.toml"
    config.write_text('[store]\nposts = "env:POSTS"\n[reader]\nbackend = "lexicon"\n', encoding="utf-8")
    monkeypatch.setenv("COLUMNS", "200")
    ended = []
    for credentials, root in ((KEY, authorities[0].file), (WRONG, authorities[0].file), (KEY, authorities[1].file)):
        monkeypatch.setenv("POSTS", guard.url(credentials, index, root))
        ended.append(run(app, ["doctor", "--home", str(tmp_path / "home"), "--config", str(config)]))
    printed = "".join(capsys.readouterr())
    assert ended == [0, 1, 1]
    for words in ("帖文库", f"（{index}，", "口令或密钥", "证书未通过验证"):
        assert words in printed
    for secret in (KEY, WRONG):
        assert secret not in printed + caplog.text


# PostgreSQL


@pytest.fixture(scope="module")
def tls_postgres(postgres_server: Any, authorities: tuple[Authority, Authority]) -> Any:
    """Return a server that takes nothing but TLS and passwords, certified by the office's authority."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'qingting[postgres]'")
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE qt LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("CREATE DATABASE qt OWNER qt ENCODING 'UTF8' TEMPLATE template0")
    data = postgres_server.folder / "data"
    for file in authorities[0].certify(authorities[0].file.parent, "127.0.0.1"):
        shutil.copy(file, data / file.name)
        os.chown(data / file.name, data.stat().st_uid, -1)
    (data / "server.key").chmod(0o600)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("\nssl = on\n")
    (data / "pg_hba.conf").write_text("hostssl all qt 127.0.0.1/32 scram-sha-256\n")
    postgres_server.stop()
    postgres_server.start()
    return postgres_server


def cases_url(server: Any, options: str, password: str = PASSWORD) -> StoreConfig:
    """Return the address of the cases with options for libpq."""
    return StoreConfig(cases=Secret(f"postgresql://qt:{password}@127.0.0.1:{server.port}/qt{options}"))


def test_a_database_certified_by_the_office_is_used_over_tls(
    tls_postgres: Any, authorities: tuple[Authority, Authority], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = cases_url(tls_postgres, f"?sslmode=verify-full&sslrootcert={authorities[0].file}")
    store = open_store(settings, tmp_path / "home", list)
    store.cases.records.audit([AuditEntry(NOW, "张三", "test", "s", "over TLS")])
    assert [each.detail for each in store.cases.records.audit_of("s")] == ["over TLS"]
    with store.cases.records._database.reading() as connection:  # type: ignore[attr-defined]
        statement = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        encrypted, version = connection.exec_driver_sql(statement).one()
    assert (encrypted, version.startswith("TLSv1.")) == (True, True)
    assert PASSWORD not in f"{store.describe()}{caplog.text}{settings!r}"
    store.close()


@pytest.mark.parametrize(
    ("root", "host", "words"),
    [(1, "127.0.0.1", "证书未通过验证"), (0, "localhost", "证书未通过验证"), (None, "127.0.0.1", "根证书文件")],
    ids=["a stranger's root", "another server's name", "no root"],
)
def test_a_database_that_cannot_prove_who_it_is_is_not_used(
    tls_postgres: Any,
    authorities: tuple[Authority, Authority],
    tmp_path: Path,
    root: int | None,
    host: str,
    words: str,
) -> None:
    file = tmp_path / "missing.crt" if root is None else authorities[root].file
    settings = cases_url(tls_postgres, f"?sslmode=verify-full&sslrootcert={file}")
    settings = StoreConfig(cases=Secret(settings.cases.reveal().replace("@127.0.0.1", f"@{host}")))
    with pytest.raises(StoreError, match=words) as caught:
        open_store(settings, tmp_path / "home", list)
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", False)
    assert "sslrootcert" in caught.value.hint
    assert PASSWORD not in told_of(caught.value)


def test_a_database_that_takes_nothing_but_tls_refuses_the_rest(tls_postgres: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(cases_url(tls_postgres, "?sslmode=disable"), tmp_path / "home", list)
    assert caught.value.reason == "unavailable"
    assert PASSWORD not in told_of(caught.value)


def test_a_wrong_password_of_the_database_is_told_of_without_being_told(
    tls_postgres: Any, authorities: tuple[Authority, Authority], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = cases_url(tls_postgres, f"?sslmode=verify-full&sslrootcert={authorities[0].file}", WRONG)
    with pytest.raises(StoreError, match="口令") as caught:
        open_store(settings, tmp_path / "home", list)
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", False)
    assert "store.cases" in caught.value.hint
    assert WRONG not in told_of(caught.value) + caplog.text
