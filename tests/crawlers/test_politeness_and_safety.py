"""What Qingting never does to a server, and what a server cannot make it do."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crawlers.addresses import GuardedResolver, check_url, is_allowed_address
from crawlers.kinds import Refused
from crawlers.pace import Pace
from crawlers.run import run_crawl
from crawlers.scrapy_settings import scrapy_settings
from qingting.config import CrawlConfig

ARTICLE = "<title>清源河水质通报</title><h1>清源河水质通报</h1>" + "<p>今天上午清源河各断面水质保持稳定。</p>" * 8
LIST = '<a href="/a/20260922001.html">清源河水质通报</a>'


def test_a_request_says_honestly_who_asks(desk):
    desk.settings = replace(desk.settings, contact="mailto:press@example.org")
    desk.site.put("/list", LIST)

    desk.crawl(desk.source("list", "/list"))

    agents = {headers["User-Agent"] for _, headers in desk.site.requests}
    assert agents == {"Qingting/0.1 (+mailto:press@example.org)"}
    assert all("Cookie" not in headers for _, headers in desk.site.requests)


def test_without_a_contact_nobody_outside_is_asked(desk):
    [collected] = desk.crawl(desk.source("list", "http://news.example.org/"))

    assert collected.health.state == "failing"
    assert "crawl.contact" in collected.health.reason


def test_robots_txt_is_obeyed_for_the_address_itself(desk):
    desk.site.put("/private/list", LIST)

    [collected] = desk.crawl(desk.source("list", "/private/list"))

    assert collected.health.state == "blocked"
    assert "robots.txt" in collected.health.reason
    assert desk.site.asked("/private/list") == 0


@pytest.mark.parametrize("answer", [{"status": 503}, {"delay": 5.0}], ids=["server error", "timeout"])
def test_a_robots_txt_that_cannot_be_had_closes_the_site_until_it_can(desk, answer):
    desk.settings = replace(desk.settings, timeout_seconds=0.2)
    desk.site.put("/robots.txt", **answer)
    desk.site.put("/list", LIST)
    source = desk.source("list", "/list")

    [collected] = desk.crawl(source)

    assert collected.health.state == "failing"
    assert "robots.txt" in collected.health.reason
    assert desk.site.asked("/list") == 0

    desk.site.put("/robots.txt", status=404)
    [collected] = desk.crawl(source)

    assert desk.site.asked("/list") == 1


def test_requests_to_one_host_are_spaced_whoever_makes_them_and_other_hosts_do_not_wait():
    pace = Pace(delay=1.0)

    assert [pace.reserve("example.org", now) for now in (10.0, 10.0, 10.5, 20.0)] == [0.0, 1.0, 1.5, 0.0]
    assert pace.reserve("example.com", 20.0) == 0.0
    assert [pace.reserve("127.0.0.1", 10.0) for _ in range(2)] == [0.0, 0.0]


def test_no_configuration_makes_us_faster_than_once_a_second():
    pace = Pace(delay=0.0)
    assert [pace.reserve("example.org", 0.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert scrapy_settings(CrawlConfig(delay_seconds=0.0)).getfloat("DOWNLOAD_DELAY") == 1.0


def test_a_crawl_delay_is_never_less_than_ours_and_counts_on_loopback_too():
    pace = Pace(delay=1.0)
    pace.slow_down("example.org", 0.2)
    pace.slow_down("127.0.0.1", 5.0)

    assert [pace.reserve("example.org", 0.0) for _ in range(2)] == [0.0, 1.0]
    assert [pace.reserve("127.0.0.1", 0.0) for _ in range(2)] == [0.0, 5.0]


def test_a_crawl_delay_in_robots_txt_reaches_the_pace(desk, monkeypatch):
    slowed = {}
    monkeypatch.setattr(Pace, "slow_down", lambda _, host, delay: slowed.update({host: delay}))
    desk.site.put("/robots.txt", "User-agent: *\nCrawl-delay: 7\n")
    desk.site.put("/list", "")

    desk.crawl(desk.source("list", "/list"))

    assert slowed == {"127.0.0.1": 7.0}


def test_an_unreasonable_crawl_delay_means_not_to_come_at_all(desk):
    desk.site.put("/robots.txt", "User-agent: *\nCrawl-delay: 86400\n")
    desk.site.put("/list", LIST)

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert collected.health.state == "blocked"
    assert "86400" in collected.health.reason


@pytest.mark.parametrize("status", [403, 418, 432])
def test_a_server_that_refuses_is_asked_once_and_then_left_alone(desk, status):
    desk.site.put("/list", status=status)
    source = desk.source("list", "/list")

    [collected] = desk.crawl(source)

    assert collected.health.state == "blocked"
    assert str(status) in collected.health.reason
    assert desk.site.asked("/list") == 1

    desk.clock.advance(minutes=10)
    [collected] = desk.crawl(source)

    assert collected.health.state == "blocked"
    assert desk.site.asked("/list") == 1

    desk.clock.advance(minutes=30)
    desk.crawl(source)

    assert desk.site.asked("/list") == 2


@pytest.fixture
def strangers_site(site, tmp_path):
    """The port of a site on loopback whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = tmp_path / "site.pem"
    file.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    stranger = type(site)(context)
    stranger.put("/list", LIST)
    stranger.put("/a/20260922001.html", ARTICLE)
    yield stranger
    stranger.close()


def test_a_site_whose_certificate_nobody_vouches_for_is_not_read(desk, strangers_site):
    desk.settings = replace(desk.settings, allow_loopback_ports=(strangers_site.port,))
    source = desk.source("list", f"https://localhost:{strangers_site.port}/list")

    [collected] = desk.crawl(source)

    assert collected.health.state == "failing"
    assert strangers_site.requests == []


def put_articles(site, count: int) -> None:
    """Put a list of as many articles."""
    site.put(
        "/list", "".join(f'<a href="/a/202609220{n}.html">清源河水质第{n}号通报</a>' for n in range(10, 10 + count))
    )
    for n in range(10, 10 + count):
        site.put(f"/a/202609220{n}.html", ARTICLE)


def test_one_forbidden_page_does_not_stop_a_source(desk):
    put_articles(desk.site, 4)
    desk.site.put("/a/20260922011.html", status=403)

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert (collected.new, collected.health.state) == (3, "ok")
    assert "403" in collected.health.reason


def test_a_server_that_begins_to_refuse_is_not_asked_for_the_rest(desk):
    put_articles(desk.site, 90)
    for path in list(desk.site.pages):
        if path.startswith("/a/"):
            desk.site.put(path, status=403)
    source = desk.source("list", "/list")

    [collected] = desk.crawl(source)

    assert (collected.new, collected.health.state) == (0, "blocked")
    assert sum(desk.site.asked(path) for path in desk.site.pages if path.startswith("/a/")) < 90

    put_articles(desk.site, 90)
    desk.clock.advance(hours=1)
    [collected] = desk.crawl(source)

    assert collected.new == 90


def test_a_body_beyond_the_cap_is_cut_off_and_recorded(desk):
    desk.settings = replace(desk.settings, max_body_mib=1)
    desk.site.put("/list", LIST)
    desk.site.put("/a/20260922001.html", b"<p>" + b"x" * (2 * 1024 * 1024))

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert (collected.new, collected.rejected) == (0, 1)
    [reject] = desk.store.cases.records.rejects(10)
    assert reject.reason == "too_large"


@pytest.mark.parametrize(
    "target",
    [
        "http://10.0.0.1/a",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/a",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_a_redirect_into_the_internal_network_is_not_followed(desk, target):
    desk.site.put("/list", LIST)
    desk.site.put("/a/20260922001.html", status=302, headers={"Location": target})

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert collected.new == 0
    [reject] = desk.store.cases.records.rejects(10)
    assert "内网或保留地址" in reject.detail


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/a", "data:text/html,<p>x</p>"])
def test_a_redirect_to_what_is_no_web_page_is_not_followed(desk, target):
    desk.site.put("/list", LIST)
    desk.site.put("/a/20260922001.html", status=302, headers={"Location": target})

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert collected.new == 0
    assert desk.posts() == []


def test_a_redirect_loop_ends_soon(desk):
    desk.site.put("/list", LIST)
    desk.site.put("/a/20260922001.html", status=302, headers={"Location": "/a/20260922001.html"})

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert collected.rejected == 1
    assert desk.site.asked("/a/20260922001.html") <= 7


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:0a00:0001::1",
        "64:ff9b::a00:1",
        "::",
    ],
)
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_allowed_address(address, 80, loopback_ports=(8080,))


def test_public_addresses_and_listed_loopback_ports_are_allowed():
    assert is_allowed_address("93.184.215.14", 443, ())
    assert is_allowed_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c", 443, ())
    assert is_allowed_address("127.0.0.1", 8080, (8080,))
    assert not is_allowed_address("127.0.0.1", 8081, (8080,))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/",
        "data:text/plain,x",
        "http://user:secret@example.org/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http:///nowhere",
        "http://example.org:99999/",
    ],
)
def test_a_url_that_must_not_be_requested_is_refused(url):
    with pytest.raises(Refused):
        check_url(url, loopback_ports=())


def resolved(*addresses: str) -> list[str]:
    """Return what the resolver gives out for a name with these addresses."""

    async def ask(host: str, port: int) -> list[str]:
        return list(addresses)

    async def look() -> list[str]:
        return list(await GuardedResolver((), ask).addresses("name.example.org", 80))

    return run_crawl(look())


def test_a_name_is_judged_by_what_it_resolves_to():
    assert resolved("93.184.215.14") == ["93.184.215.14"]
    assert resolved("10.0.0.1") == []
    assert resolved("93.184.215.14", "127.0.0.1") == []
    assert resolved("::ffff:169.254.169.254") == []


def test_a_name_that_now_resolves_to_our_own_machine_is_not_connected_to(desk, monkeypatch):
    async def rebound(self, host, port, **kwargs):
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    desk.settings = replace(desk.settings, contact="mailto:press@example.org", allow_loopback_ports=())
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebound)

    [collected] = desk.crawl(desk.source("list", f"http://rebound.example.org:{desk.site.port}/list"))

    assert collected.health.state == "failing"
    assert desk.site.requests == []


def test_what_scrapy_leaves_open_is_closed():
    settings = scrapy_settings(CrawlConfig(delay_seconds=2.0, max_body_mib=3))

    assert settings.getbool("ROBOTSTXT_OBEY")
    assert settings.getbool("AUTOTHROTTLE_ENABLED")
    assert settings.getbool("DOWNLOAD_VERIFY_CERTIFICATES")
    assert not settings.getbool("TELNETCONSOLE_ENABLED")
    assert not settings.getbool("COOKIES_ENABLED")
    assert not settings.getbool("HTTPPROXY_ENABLED")
    assert settings.getfloat("DOWNLOAD_DELAY") == 2.0
    assert settings.getint("DOWNLOAD_MAXSIZE") == 3 * 1024 * 1024
    assert settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") == 1
    handlers = settings.getwithbase("DOWNLOAD_HANDLERS")
    assert {scheme for scheme, handler in handlers.items() if handler} == {"http", "https"}
    assert not {403, 418, 432} & {int(code) for code in settings.getlist("RETRY_HTTP_CODES")}
    assert settings.getint("REDIRECT_MAX_TIMES") <= 5
