"""Requests to an Elasticsearch cluster: nothing silently cut, nothing dropped, every failure with a closed reason."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from qingting.errors import StoreError

WINDOW = 10_000
"""Most hits that one request gives (the server's index.max_result_window); more are read page by page."""

GLANCE_SECONDS = 3.0
"""How long a node may take to say that it is there, which takes milliseconds: a page of the console waits for it."""

KEEP_ALIVE = "2m"
"""How long the cluster keeps a point in time between two pages, which follow each other at once."""

BULK_DOCUMENTS = 500
BULK_CHARACTERS = 2_000_000
"""A bulk request's bounds: some 1 MB of ordinary posts, and no more than about 8 MB of long ones, far below the
server's 100 MB a request and the tenth of its heap that it lets wait to be indexed."""

REQUESTS_AT_ONCE = 2
"""Bulk requests on their way at a time: while the cluster indexes one, the words of the next are cut."""

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 5.0
MOST_WAITS = 10
"""Waits double from the first to the longest, some 26 s in all: longer than the queue of a busy node takes to drain."""

CONFLICT, GONE, TOO_MANY = 409, 404, 429

MISSING_INDEX = "index_not_found_exception"
LOST_POINT = "search_context_missing_exception"

Hit = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a bulk request: what to do, with which index, id and conditions, and the body if it has one."""

    action: str
    target: Mapping[str, object]
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an operation: its HTTP status, and the index it went to."""

    status: int
    index: str


class Cluster:
    """A client of the cluster. Every method raises StoreError(unavailable | busy | partial | schema | conflict)."""

    def __init__(self, client: Elasticsearch, sleep: Callable[[float], None] = time.sleep) -> None:
        self.client = client
        self._sleep = sleep

    def search(self, **request: Any) -> dict[str, Any]:
        """Return the answer of all shards with the exact number of hits, or raise."""
        with translated():
            answer = self.client.search(
                **{"track_total_hits": True, **request}, allow_partial_search_results=False
            ).body
        _require_whole(answer)
        found: dict[str, Any] = answer
        return found

    def page(self, index: str, size: int, **request: Any) -> tuple[list[Hit], int]:
        """Return the first hits of a sorted search, and how many there are in all."""
        if size > WINDOW:
            query = {"query": request["query"]} if "query" in request else {}
            found = self.search(index=index, size=0, **query)["hits"]
            return self.all_hits(index, size, **request), found["total"]["value"]
        found = self.search(index=index, size=size, **request)["hits"]
        return found["hits"], found["total"]["value"]

    def all_hits(self, index: str, most: int | None = None, **request: Any) -> list[Hit]:
        """Return the hits of a sorted search, however many there are; beyond one window all of one point in time."""
        size = WINDOW if most is None else min(most, WINDOW)
        hits: list[Hit] = self.search(index=index, size=size, track_total_hits=False, **request)["hits"]["hits"]
        if len(hits) < WINDOW or most == WINDOW:
            return hits
        return self._many_hits(index, most, request)

    def _many_hits(self, index: str, most: int | None, request: Mapping[str, Any]) -> list[Hit]:
        hits: list[Hit] = []
        with self._point_in_time(index) as point:
            position: dict[str, Any] = {}
            while most is None or len(hits) < most:
                size = WINDOW if most is None else min(most - len(hits), WINDOW)
                answer = self.search(pit=point, size=size, track_total_hits=False, **{**request, **position})
                page = answer["hits"]["hits"]
                hits += page
                if len(page) < size:
                    break
                point["id"] = answer["pit_id"]
                position = {"search_after": page[-1]["sort"]}
        return hits

    @contextmanager
    def _point_in_time(self, index: str) -> Iterator[dict[str, str]]:
        with translated():
            opened = self.client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE)
        _require_whole(opened.body)
        point = {"id": opened["id"], "keep_alive": KEEP_ALIVE}
        try:
            yield point
        finally:
            with translated():
                self.client.close_point_in_time(id=point["id"])

    def documents(self, wanted: Sequence[tuple[str, str]], fields: Sequence[str]) -> list[dict[str, Any]]:
        """Return documents by (index, id) as they are this instant, refreshed or not; those that are there."""
        if not wanted:
            return []
        docs = [{"_index": index, "_id": each} for index, each in wanted]
        with translated():
            found: list[dict[str, Any]] = self.client.mget(docs=docs, source_includes=list(fields)).body["docs"]
        for each in found:
            if "error" in each:
                raise _partial()
        return [each for each in found if each.get("found")]

    def version(self) -> str:
        """Return the server's version; a node that is slow to tell is passed over, and the last one not waited for."""
        others = len(self.client.transport.node_pool) - 1
        client = self.client.options(request_timeout=GLANCE_SECONDS, max_retries=others, retry_on_timeout=True)
        with translated():
            return str(client.info()["version"]["number"])

    def status(self, index: str) -> str:
        """Return how an index is: green, yellow (copies missing) or red (posts missing)."""
        with translated():
            return str(self.client.cluster.health(index=index)["status"])

    def refresh(self, *indexes: str) -> None:
        """Make everything written before this call visible to searches; an index deleted meanwhile needs none."""
        with translated():
            _require_whole(self.client.indices.refresh(index=list(indexes), ignore_unavailable=True).body)

    def bulk(self, operations: Iterable[Operation], accepted: frozenset[int] = frozenset({CONFLICT})) -> list[Outcome]:
        """Carry operations out and return what became of each, in order.

        An operation that the cluster has no room for is sent again after a wait, and only it. One that fails with a
        status that is not accepted raises, after all requests on their way: nothing is dropped, and all may be sent
        again. No two operations may be on one document, for requests overtake one another.
        """
        outcomes: list[Outcome] = []
        with ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="bulk") as senders:
            # One more than are on their way is made ready meanwhile; leaving waits for all, also when one has failed.
            under_way: deque[Future[list[Outcome]]] = deque()
            for chunk in _chunks(operations):
                under_way.append(senders.submit(self._send, chunk, accepted))
                if len(under_way) > REQUESTS_AT_ONCE:
                    outcomes += under_way.popleft().result()
            for each in under_way:
                outcomes += each.result()
        return outcomes

    def _send(self, operations: Sequence[Operation], accepted: frozenset[int]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        pending = list(range(len(operations)))
        for turn in range(MOST_WAITS + 1):
            items = self._try([operations[number] for number in pending])
            refused = []
            for number, item in zip(pending, items, strict=True):
                if item["status"] == TOO_MANY:
                    refused.append(number)
                else:
                    outcomes[number] = Outcome(item["status"], item["_index"])
                    _require_done(item, accepted)
            if not refused:
                return [outcomes[number] for number in range(len(operations))]
            pending = refused
            if turn < MOST_WAITS:
                self._sleep(min(FIRST_WAIT_SECONDS * 2**turn, LONGEST_WAIT_SECONDS))
        raise _busy()

    def _try(self, operations: Sequence[Operation]) -> list[dict[str, Any]]:
        """Send one request; a request refused as a whole is as if each operation had been."""
        lines: list[Mapping[str, object]] = []
        for each in operations:
            lines.append({each.action: each.target})
            if each.body is not None:
                lines.append(each.body)
        try:
            answer = self.client.bulk(operations=lines).body
        except ApiError as error:
            if error.status_code == TOO_MANY:
                return [{"status": TOO_MANY, "_index": ""}] * len(operations)
            raise _store_error(error) from error
        except TransportError as error:
            raise _unreachable(error) from error
        return [next(iter(item.values())) for item in answer["items"]]


def _chunks(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    chunk: list[Operation] = []
    characters = 0
    for each in operations:
        size = _characters(list((each.body or {}).values()))
        if chunk and (len(chunk) == BULK_DOCUMENTS or characters + size > BULK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append(each)
        characters += size
    if chunk:
        yield chunk


def _characters(value: object) -> int:
    if isinstance(value, list):
        return sum(map(_characters, value))
    return len(value) if isinstance(value, str) else 0


def _require_done(item: Mapping[str, Any], accepted: frozenset[int]) -> None:
    status = item["status"]
    if status < 300 or status in accepted:
        return
    kind = item.get("error", {}).get("type", "") if isinstance(item.get("error"), dict) else ""
    if status >= 500:
        raise _unavailable(f"写入时出错（{kind}）")
    if kind == MISSING_INDEX:
        raise _missing()
    # The cluster's own words may quote what people wrote; its kind of error does not.
    raise StoreError(
        f"Elasticsearch 不接受编号为 {item.get('_id')} 的文档（{kind}）。",
        reason="schema",
        hint="请核对索引映射是否被改动；其余帖文可以再次导入，不会重复。",
    )


def _require_whole(answer: Mapping[str, Any]) -> None:
    """Raise unless every shard took part to the end."""
    if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
        raise _partial()


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client complains about into a StoreError with a closed reason."""
    try:
        yield
    except UnsupportedProductError as error:
        raise StoreError(
            "store.posts 所指的服务不是 Elasticsearch。", reason="unsupported", hint="请核对 config.toml 里的地址。"
        ) from error
    except ApiError as error:
        raise _store_error(error) from error
    except TransportError as error:
        raise _unreachable(error) from error


def error_kinds(error: ApiError) -> set[str]:
    """Return the names of everything that an answer gives as the cause of a failure."""
    kinds: set[str] = set()
    pending: list[Any] = [error.body]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            kinds.update(value for key, value in each.items() if key == "type" and isinstance(value, str))
            pending += each.values()
        elif isinstance(each, list):
            pending += each
    return kinds


def _store_error(error: ApiError) -> StoreError:
    status, kinds = error.status_code, error_kinds(error)
    if status == TOO_MANY:
        return _busy()
    if status in {401, 403} and "cluster_block_exception" not in kinds:
        return StoreError(
            "Elasticsearch 不接受所给的口令或密钥，或它没有所需的权限。",
            reason="unavailable",
            hint="请核对 config.toml 里 store.posts 的口令或 API 密钥，所需权限见 docs/elasticsearch.md。",
        )
    if LOST_POINT in kinds or ("search_phase_execution_exception" in kinds and status >= 500):
        return _partial()
    if status == GONE:
        return _missing()
    if status == CONFLICT:
        return StoreError("写入与已有的记录冲突。", reason="conflict", hint="请重试。", retryable=True)
    if status >= 500 or "cluster_block_exception" in kinds:
        return _unavailable(f"出错（{status}）")
    return StoreError(
        f"Elasticsearch 不接受请求（{status}，{'、'.join(sorted(kinds))}）。",
        reason="unsupported",
        hint="请核对 Elasticsearch 的版本，见 docs/elasticsearch.md。",
    )


def _unreachable(error: TransportError) -> StoreError:
    if isinstance(error, ConnectionTimeout):
        return _unavailable("没有在限定时间内答复")
    if isinstance(error, TlsError):
        return StoreError(
            "Elasticsearch 的证书未通过验证。",
            reason="unavailable",
            hint="请在 store.posts 的地址里用 ca= 指明单位自己的根证书文件，并核对主机名和证书有效期。",
        )
    return _unavailable("连接不上")


def _unavailable(problem: str) -> StoreError:
    return StoreError(
        f"Elasticsearch {problem}。",
        reason="unavailable",
        hint="请检查 Elasticsearch 是否在运行、网络是否通畅。",
        retryable=True,
    )


def _missing() -> StoreError:
    return StoreError(
        "Elasticsearch 里没有帖文索引，可能被人删除。",
        reason="unavailable",
        hint="请从快照恢复索引；确要从头开始，请重新启动服务。",
    )


def _busy() -> StoreError:
    return StoreError("Elasticsearch 正忙。", reason="busy", hint="请稍后重试，或增加节点。", retryable=True)


def _partial() -> StoreError:
    return StoreError(
        "Elasticsearch 有分片没有答复，结果不完整，未予采用。",
        reason="partial",
        hint="请检查集群状态（red 表示有分片丢失）；恢复后重试。",
        retryable=True,
    )
