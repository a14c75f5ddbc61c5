"""Run by a test as a process of its own: commits some posts, writes more in an open transaction, waits to be killed."""

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qingting.config import StoreConfig
from qingting.model import AuditEntry, Channel, Post
from qingting.store import open_store

START = datetime(2025, 3, 1, 1, tzinfo=UTC)


def posts(first: int) -> list[Post]:
    moments = [START + timedelta(minutes=number) for number in range(first, first + 300)]
    return [
        Post(f"p{first + place}", "weibo", "", Channel.SOCIAL, "河水发臭", at, at) for place, at in enumerate(moments)
    ]


store = open_store(StoreConfig(), Path(sys.argv[1]), list)
with store.transaction():
    store.posts.append(posts(0))
    store.cases.records.audit([AuditEntry(START, "张三", "test", "s", "done")])
sys.stdout.write("committed\n")
with store.transaction():
    store.posts.append(posts(300))
    store.cases.records.audit([AuditEntry(START, "张三", "test", "s", "half-done")])
    sys.stdout.write("written\n")
    sys.stdout.flush()
    time.sleep(120)
