"""The command line: `qingting …`, nouns and verbs; a contract, so field names and exit codes stay as they are."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import httpx
import typer

from crawlers.health import STATE_NAMES
from crawlers.run import run_crawl
from qingting.app import (
    Imported,
    Worker,
    chosen_sources,
    collect_with_workers,
    deliver,
    import_file,
    open_service_reader,
    settle_events,
    watch_sources,
)
from qingting.commands import alerts, bench, drafts, events, evidence, extract, read, search, sources, store
from qingting.commands.shared import (
    GIVEN,
    ConfigOption,
    HomeOption,
    JsonOption,
    NowOption,
    busy,
    opened,
    print_json,
    print_table,
    progress,
    run,
    say,
    settings,
    warn,
)
from qingting.demo.run import run_demo
from qingting.doctor import REJECT_NAMES, examine, examine_without_cases
from qingting.errors import NotFoundError, StoreError
from qingting.roles import crawler_name, run_crawl_role, run_work, up, web_server, worker_name

app = typer.Typer(
    name="qingting",
    help="蜻蜓：生态环境舆情监测与回应。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (sources.app, events.app, alerts.app, drafts.app, drafts.facts_app, store.app, bench.app):
    app.add_typer(group)
app.command("extract")(extract.extract_page)
app.command("evidence")(evidence.post_evidence)
app.command("read")(read.read_texts)
app.command("search")(search.search_posts)
app.command("trend")(search.trend_posts)


@app.callback()
def given(home: HomeOption = None, config: ConfigOption = None) -> None:
    """Take the options that stand before the command's name."""
    GIVEN.set((home, config))


@app.command("import")
def import_posts(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="JSONL（可 .gz）、CSV 或 XLSX。")],
    source: Annotated[str, typer.Option("--source", help="没有来源列时记为此来源，默认用文件名。")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """导入帖文；重复导入不会重复入库，收不下的记入拒收记录。"""
    for path in files:
        if not path.is_file():
            raise NotFoundError(f"没有文件 {path}。", reason="file", hint="请检查路径。")
    results: list[tuple[Path, Imported]] = []
    with opened(home, config) as service, progress("导入", None) as bar:
        for path in files:
            name = source or path.name.split(".")[0]
            taken = import_file(service, path, name, getpass.getuser(), lambda n: bar.advance(bar.task_ids[0], n))
            results.append((path, taken))
    if as_json:
        return print_json(
            {
                "file": path.name,
                "new": i.new,
                "known": i.known,
                "rejected": sum(i.rejected.values()),
                "reasons": i.rejected,
            }
            for path, i in results
        )
    rows = ((path.name, i.new, i.known, sum(i.rejected.values()), _reasons(i.rejected)) for path, i in results)
    print_table("导入结果", ("文件", "新增", "已有", "拒收", "拒收原因"), rows, "")
    return say("下一步：qingting work --until-idle 研读、归并并检查预警。")


def _reasons(counts: Counter[str]) -> str:
    return "、".join(f"{REJECT_NAMES.get(reason, reason)} {count}" for reason, count in counts.items()) or "无"


@app.command("work")
def work(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="处理完全部待办即退出。")] = False,
    now: NowOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """研读、归并、检查预警并投递；不带 --until-idle 时常驻运行。"""
    with opened(home, config, now) as service:
        reader = open_service_reader(service.config)
        if reader.problem:
            warn(f"注意：{reader.problem}")
        if not until_idle:
            return run_work(service, reader)
        total: Counter[str] = Counter()
        pending = service.store.posts.tally(service.clock()).unread
        timeout = service.config.alerts.timeout_seconds
        with worker_name(service.home) as name, progress("研读", pending) as bar:
            for worked in Worker(service, reader, name).until_idle():
                total.update(posts=worked.posts, relevant=worked.relevant, alerts=len(worked.alerts))
                bar.advance(bar.task_ids[0], worked.posts)
        settle_events(service)
        watch_sources(service)
        with httpx.Client(timeout=timeout) as client:
            sent = deliver(service, client)
        total.update(delivered=sent.delivered, retried=sent.retried, failed=sent.failed)
    if as_json:
        return print_json(
            [{key: total[key] for key in ("posts", "relevant", "alerts", "delivered", "retried", "failed")}]
        )
    return say(
        f"研读 {total['posts']} 条，相关 {total['relevant']} 条，新预警 {total['alerts']} 条；"
        f"投递成功 {total['delivered']}，待重试 {total['retried']}，失败 {total['failed']}。"
    )


@app.command("crawl")
def crawl(
    source: Annotated[list[str] | None, typer.Argument(metavar="SOURCE…", help="信源编号，默认全部启用的。")] = None,
    once: Annotated[bool, typer.Option("--once", help="各采集一次即退出。")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """采集信源；不带信源编号和 --once 时按各自频次常驻运行。"""
    with opened(home, config) as service:
        if not once and not source:
            return run_crawl_role(service)
        chosen = chosen_sources(service.config, source or ())
        with busy("采集中…"):
            collected = run_crawl(collect_with_workers(service, chosen, crawler_name()))
    if as_json:
        print_json(
            {
                "source": c.source.id,
                "state": c.health.state,
                "reason": c.health.reason,
                "new": c.new,
                "known": c.known,
                "rejected": c.rejected,
            }
            for c in collected
        )
    else:
        rows = (
            (
                c.source.name,
                STATE_NAMES[c.health.state],
                c.new,
                c.known,
                c.rejected,
                c.health.reason,
            )
            for c in collected
        )
        print_table(
            "采集结果",
            ("信源", "状态", "新增", "已有", "拒收", "说明"),
            rows,
            "没有启用的信源。请在 config.toml 中添加 [[sources]]。",
        )
    raise typer.Exit(int(any(c.health.state in ("blocked", "failing") for c in collected)))


@app.command("web")
def web(
    port: Annotated[int | None, typer.Option("--port", help="端口，默认按配置。")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """启动控制台（只读）。"""
    with opened(home, config) as service:
        # The console never reads texts; it only has to tell whether the model is usable.
        problem = open_service_reader(service.config).problem
        web_server(service, lambda: problem, port).run()


@app.command("up")
def start_all(home: HomeOption = None, config: ConfigOption = None) -> None:
    """在本机启动全部角色（采集、研读、控制台），收到终止信号后有序停止。"""
    directory, loaded = settings(home, config)
    say(f"控制台：http://{loaded.web.host}:{loaded.web.port}（Ctrl-C 停止）")
    arguments = ["--home", str(directory), *(["--config", str(config)] if config else [])]
    raise typer.Exit(up(arguments))


@app.command("doctor")
def doctor(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """检查配置了什么、什么正常、什么降级。"""
    directory, loaded = settings(home, config)
    reader = open_service_reader(loaded)
    try:
        with opened(home, config) as service:
            checks = examine(service, reader.problem, reader.name)
    except StoreError as error:
        # What time or an operator mends is told with all the rest; a wrong configuration ends the command.
        if not error.retryable:
            raise
        checks = examine_without_cases(directory, error, reader.problem, reader.name)
    if as_json:
        print_json(checks)
    else:
        marks = {"ok": "正常", "degraded": "降级", "broken": "故障"}
        print_table(
            "体检", ("项目", "状态", "情况", "建议"), ((c.name, marks[c.state], c.found, c.advice) for c in checks), ""
        )
    raise typer.Exit(int(any(check.state == "broken" for check in checks)))


@app.command("demo")
def demo(
    once: Annotated[bool, typer.Option("--once", help="演完即退出，各环节都正常才以 0 退出。")] = False,
    home: HomeOption = None,
) -> None:
    """演示：回放一座虚构城市三周的舆情，从采集到预警到拟稿。"""
    raise typer.Exit(run_crawl(run_demo(home or Path("var/demo"), once=once)))


def main() -> None:
    """Run the command line as a program."""
    sys.exit(run(app))


if __name__ == "__main__":
    main()
