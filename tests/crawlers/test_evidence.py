"""Evidence: kept before it is relied on, found by digest, dropped when its time is over."""

from __future__ import annotations

import gzip
import stat
from datetime import UTC, datetime, timedelta

from crawlers.evidence import EvidenceWriter, drop_expired, find_evidence, search_evidence
from crawlers.kinds import Fetched

AT = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)


def fetched(body: bytes, at: datetime = AT) -> Fetched:
    """Return an answer."""
    headers = (("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"))
    return Fetched("http://example.org/中", 200, headers, body, at)


def keep(home, *answers: Fetched) -> None:
    """Keep answers in one run."""
    writer = EvidenceWriter(home, "源/1")
    for each in answers:
        writer.keep(each)
    writer.sync()
    writer.close()


def body_of(home, answer: Fetched) -> bytes | None:
    """Return the bytes that are found for an answer."""
    evidence = find_evidence(home, answer.digest)
    return evidence.body if evidence else None


def test_a_body_is_found_again_byte_for_byte(tmp_path):
    answers = [fetched(b""), fetched(bytes(range(256)) * 50), fetched("清源河".encode("gb18030"))]

    keep(tmp_path, *answers)

    assert [body_of(tmp_path, each) for each in answers] == [each.body for each in answers]


def test_the_file_is_a_gzipped_warc_that_others_can_read(tmp_path):
    keep(tmp_path, fetched("清源河".encode()))

    [file] = tmp_path.glob("evidence/2026-09/22/*.warc.gz")
    text = gzip.decompress(file.read_bytes()).decode()
    assert text.startswith("WARC/1.0\r\n")
    assert "WARC-Type: response" in text
    assert f"WARC-Payload-Digest: sha256:{fetched('清源河'.encode()).digest}" in text
    assert "gzip" not in text


def test_nothing_is_made_for_a_run_that_found_nothing(tmp_path):
    keep(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_one_second_do_not_overwrite_each_other(tmp_path):
    first, second = fetched(b"first"), fetched(b"second")

    keep(tmp_path, first)
    keep(tmp_path, second)

    assert body_of(tmp_path, first) == b"first"
    assert body_of(tmp_path, second) == b"second"


def test_a_damaged_file_gives_nothing_rather_than_something_else(tmp_path):
    answer = fetched(b"evidence" * 100)
    keep(tmp_path, answer)
    [file] = tmp_path.glob("evidence/2026-09/22/*.warc.gz")

    file.write_bytes(file.read_bytes()[:-200])
    assert find_evidence(tmp_path, answer.digest) is None
    file.write_bytes(b"not gzip at all")
    assert find_evidence(tmp_path, answer.digest) is None
    file.unlink()
    assert find_evidence(tmp_path, answer.digest) is None


def test_a_torn_index_line_is_passed_over(tmp_path):
    answer = fetched(b"evidence")
    keep(tmp_path, answer)
    [index] = tmp_path.glob("evidence/2026-09/index/*")
    index.write_text(answer.digest[:30] + "\n" + index.read_text() + answer.digest + " 22/x")

    assert body_of(tmp_path, answer) == b"evidence"


def test_a_digest_is_never_a_path(tmp_path):
    assert find_evidence(tmp_path, "../../etc/passwd") is None
    assert find_evidence(tmp_path, "") is None


def test_expired_days_go_and_the_rest_stays(tmp_path):
    old, young = fetched(b"old", AT - timedelta(days=40)), fetched(b"young", AT - timedelta(days=10))
    keep(tmp_path, old)
    keep(tmp_path, young)

    assert drop_expired(tmp_path, AT, days=30) == 1

    assert find_evidence(tmp_path, old.digest) is None
    assert body_of(tmp_path, young) == b"young"
    assert not (tmp_path / "evidence" / "2026-08").exists()
    assert drop_expired(tmp_path, AT, days=30) == 0


def test_what_is_found_says_where_it_came_from_and_when(tmp_path):
    answer = fetched(b"evidence")
    keep(tmp_path, answer)

    evidence = find_evidence(tmp_path, answer.digest)

    assert (evidence.url, evidence.at) == ("http://example.org/中", "2026-09-22T04:00:00Z")
    assert evidence.file in tmp_path.glob("evidence/2026-09/22/*.warc.gz")


def test_nobody_else_may_read_it(tmp_path):
    keep(tmp_path, fetched(b"evidence"))

    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "evidence").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}
    assert stat.S_IMODE((tmp_path / "evidence").stat().st_mode) == 0o700


def test_a_day_can_be_searched_where_its_index_was_lost(tmp_path):
    first, second = fetched(b"first"), fetched(b"second")
    keep(tmp_path, first, second)
    for shard in tmp_path.glob("evidence/2026-09/index/*"):
        shard.unlink()

    assert find_evidence(tmp_path, second.digest) is None
    assert search_evidence(tmp_path, second.digest, AT).body == b"second"
    assert search_evidence(tmp_path, second.digest, AT + timedelta(days=1)) is None
    assert search_evidence(tmp_path, "0" * 64, AT) is None
