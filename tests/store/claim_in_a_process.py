"""Run by a test as a process of its own: claims posts a few at a time until none is left, and prints their ids."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qingting.config import StoreConfig
from qingting.store import open_store
from qingting.strict import Secret

store = open_store(StoreConfig(posts=Secret(sys.argv[2])), Path(sys.argv[1]), list)
now = datetime(2025, 3, 2, tzinfo=UTC)
for call in range(1000):
    # A name a call: a worker gets back what it holds under its own name.
    posts = store.posts.claim_unread(f"{sys.argv[3]}{call}", 7, now, timedelta(minutes=5))
    if not posts:
        break
    sys.stdout.write("\n".join(post.id for post in posts) + "\n")
store.close()
