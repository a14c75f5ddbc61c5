"""The command line is a contract: field names, exit codes, and messages that say what to do next."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

NOW = datetime.now(UTC)


def qingting(*arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a program."""
    return subprocess.run(
        [sys.executable, "-m", "qingting.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
    )


def rows(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return the JSON lines of a run that succeeded."""
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def post(number: int, text: str, minutes: int, author: str = "") -> dict[str, Any]:
    """Return an import line published some minutes ago."""
    at = NOW - timedelta(minutes=minutes)
    return {
        "id": f"t{number}",
        "text": text,
        "source": "weibo",
        "author": author or f"用户{number}",
        "published_at": at.isoformat(),
    }


DISCHARGE = [
    post(1, "清晨路过青石河大桥，河面漂满死鱼，水又黄又臭，上游鑫源化工厂肯定又偷排了[怒]", 150),
    post(2, "青石河大桥下面死鱼一片一片的，鑫源化工厂排的水刺鼻，环保局快来人", 140),
    post(3, "鑫源化工厂废水泄漏进青石河，死鱼都漂到大桥了，我家自来水还能喝吗", 130),
    post(4, "青石河大桥现场：几百条死鱼，鑫源化工厂排口还在冒黄水 #青石河死鱼#", 100),
    post(5, "#青石河死鱼# 鑫源化工厂门口全是人，闻着头晕", 80),
    post(6, "青石河死鱼，鑫源化工厂到底排了什么？求检测数据", 60),
]
OTHERS = [
    post(7, "换个环境心情真好，周末去看电影啦", 90),
    post(8, "优化营商环境，助力民营经济高质量发展", 85),
    post(9, "手机号13900001234，联系我买二手空调", 70),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home in which nine posts were imported and worked."""
    folder = tmp_path_factory.mktemp("home")
    file = folder / "posts.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in [*DISCHARGE, *OTHERS])
        out.write("{broken\n")
        out.write('{"id": "t10", "text": "", "source": "weibo"}\n')
    assert rows(qingting("import", "--home", folder, file, "--json"))[0]["new"] == 9
    assert rows(qingting("work", "--until-idle", "--home", folder, "--json"))[0]["posts"] == 9
    return folder


def test_importing_again_changes_nothing_and_rejects_are_counted_with_their_reason(home: Path) -> None:
    [result] = rows(qingting("import", "--home", home, home / "posts.jsonl.gz", "--json"))
    assert (result["new"], result["known"], result["rejected"]) == (0, 9, 2)
    assert result["reasons"] == {"malformed": 1, "empty_text": 1}
    assert rows(qingting("work", "--until-idle", "--home", home, "--json"))[0]["posts"] == 0


def test_the_discharge_is_one_event_with_its_posts(home: Path) -> None:
    [event] = rows(qingting("events", "list", "--home", home, "--json"))
    wanted = {"id", "title", "topic", "matter", "region", "first_seen", "last_seen", "size", "level", "state"}
    assert wanted <= set(event)
    assert (event["topic"], event["size"]) == ("water", 6)
    [shown] = rows(qingting("events", "show", event["id"], "--home", home, "--json"))
    assert {each["source_id"] for each in shown["posts"]} == {"t1", "t2", "t3", "t4", "t5", "t6"}
    assert {"id", "source_id", "source", "text", "published_at"} <= set(shown["posts"][0])


def test_there_is_one_alert_it_explains_itself_and_is_acknowledged_once(home: Path) -> None:
    [alert] = rows(qingting("alerts", "list", "--home", home, "--json"))
    assert alert["state"] == "new"
    explained = qingting("alerts", "explain", alert["id"], "--home", home)
    assert explained.returncode == 0
    assert "死鱼" in explained.stdout
    assert "国办发" in explained.stdout
    [taken] = rows(qingting("alerts", "ack", alert["id"], "--by", "王值班", "--home", home, "--json"))
    assert (taken["state"], taken["acknowledged_by"]) == ("acknowledged", "王值班")
    [again] = rows(qingting("alerts", "ack", alert["id"], "--by", "李值班", "--home", home, "--json"))
    assert again["acknowledged_by"] == "王值班"


def test_a_draft_binds_every_sentence_to_evidence_and_leaves_open_what_nobody_verified(home: Path) -> None:
    [event] = rows(qingting("events", "list", "--home", home, "--json"))
    options = ["--slot", "cause", "--value", "废水收集池破损", "--source", "现场检查记录", "--verifier", "李某"]
    assert rows(qingting("facts", "add", event["id"], *options, "--home", home, "--json"))[0]["slot"] == "cause"
    created = qingting("drafts", "create", event["id"], "--channel", "situation_notice", "--home", home, "--json")
    [draft] = rows(created)
    assert all(sentence["basis"] for sentence in draft["sentences"])
    assert "废水收集池破损" in draft["text"]
    assert "【待核实" in draft["text"]
    assert draft["id"] in {each["id"] for each in rows(qingting("drafts", "list", "--home", home, "--json"))}


def test_search_finds_by_word_and_field_and_masks_telephone_numbers(home: Path) -> None:
    found = rows(qingting("search", "死鱼 情感:负面", "--home", home, "--json"))
    assert {each["source_id"] for each in found} <= {each["id"] for each in DISCHARGE}
    assert found
    [masked] = rows(qingting("search", "二手空调", "--home", home, "--json"))
    assert "13900001234" not in masked["text"]
    assert "139****1234" in masked["text"]


def test_a_trend_counts_by_hour_and_sentiment(home: Path) -> None:
    points = rows(qingting("trend", "青石河", "--interval", "hour", "--by", "sentiment", "--home", home, "--json"))
    assert sum(point["count"] for point in points) == 6
    assert {"start", "key", "count"} == set(points[0])


def test_reading_needs_no_store_and_keeps_the_callers_ids() -> None:
    lines = '{"id":"a","text":"化工厂夜里偷排废水，臭得睡不着"}\n{"id":"b","text":"优化营商环境"}\n'
    first, second = rows(qingting("read", stdin=lines))
    wanted = "id relevant relevance sentiment score topic matter target keywords regions organisations model degraded"
    assert set(wanted.split()) <= set(first)
    assert (first["id"], first["relevant"], first["sentiment"]) == ("a", True, "negative")
    assert -1 <= first["score"] < 0
    assert (second["id"], second["relevant"], second["topic"]) == ("b", False, "none")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["events", "show", "nowhere"], 1, "建议"),
        (["alerts", "show", "nowhere"], 1, "建议"),
        (["drafts", "show", "nowhere"], 1, "建议"),
        (["import", "nowhere.jsonl"], 1, "没有文件"),
        (["search", "情感：快乐"], 2, "建议"),
        (["trend", "水", "--interval", "week"], 2, "hour、day"),
        (["crawl", "nowhere", "--once"], 1, "qingting sources list"),
        (["events", "list", "--limit", "0"], 2, "limit"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_a_mistake_ends_with_its_code_and_a_next_step(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    result = qingting(*arguments, "--home", tmp_path) if arguments != ["nonsense"] else qingting(*arguments)
    assert result.returncode == code, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_home_and_config_may_stand_before_the_command_too(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[wbe]\n", encoding="utf-8")
    result = qingting("--home", tmp_path / "x", "--config", tmp_path / "bad.toml", "events", "list")
    assert result.returncode == 1
    assert "是不是想写 web？" in result.stderr


def test_doctor_reports_rejects_and_what_is_not_configured(home: Path) -> None:
    checks = {check["name"]: check for check in rows(qingting("doctor", "--home", home, "--json", cwd=home))}
    assert "格式错误 1" in checks["拒收记录"]["found"]
    assert checks["研读模型"]["state"] == "ok"
    assert checks["预警接收方"]["state"] == "degraded"


def test_a_broken_model_degrades_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    config = tmp_path / "config.toml"
    config.write_text(f'[reader]\nmodel = "{tmp_path}"\n', encoding="utf-8")
    result = qingting("read", "--config", config, stdin='{"id":"a","text":"河水发臭，鱼都死了"}\n')
    assert rows(result)[0]["degraded"] is True
    assert "词典" in result.stderr
    doctor = qingting("doctor", "--config", config, "--home", tmp_path / "home", "--json")
    found = {check["name"]: check["state"] for check in rows(doctor)}
    assert found["研读模型"] == "degraded"
