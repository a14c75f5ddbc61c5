"""The indexes of the posts: one a month of arrival behind one alias, and a small one for the workers' claims.

`PREFIX` is the alias: it reads all months and writes to the latest. A month ends when the cluster's own clock says
so, whatever the clocks of workers say. To forget a month, its index is deleted; nothing else needs to be changed.
What is kept of a forgotten month (elastic_dropping.py) has an index of its own behind the same alias.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from elasticsearch import BadRequestError, NotFoundError

from qingting.errors import StoreError
from qingting.model import utc
from qingting.store.elastic_cluster import Cluster, error_kinds, translated
from qingting.store.elastic_documents import PROPERTIES

VERSION = 1
"""The version of the mapping; it stands in the names of indexes, so that two versions can stand side by side."""

REFRESH_INTERVAL = "1s"
"""How late other processes see what this one wrote; stated, for by default the server lets idle indexes go stale."""

EXISTS = "resource_already_exists_exception"

MONTH = re.compile(r"(\d{4})\.(\d{2})")
"""How the name of a month's index ends; months are those of the cluster's clock, in UTC."""

CLAIM_PROPERTIES = {"worker": {"type": "keyword"}, "held_until": {"type": "long"}}


@dataclass(frozen=True, slots=True)
class Found:
    """The indexes behind the alias, oldest first, and the manners of cutting that they were made with."""

    names: tuple[str, ...]
    cuts: frozenset[str]


class Indexes:
    """Makes, checks and turns over the indexes of one prefix."""

    def __init__(self, cluster: Cluster, prefix: str, cut_version: str) -> None:
        self._cluster = cluster
        self._cut_version = cut_version
        self._ready = False
        self._month = (0, 0)
        self.alias = prefix
        self.claims = f"{prefix}-claims-v{VERSION}"
        self._this_month = f"<{prefix}-v{VERSION}-{{now/M{{yyyy.MM}}}}>"
        self._months = f"{prefix}-v{VERSION}-"
        self._kept = f"{prefix}-v{VERSION}-kept-"

    def make_ready(self) -> None:
        """Make what is missing and check what is there, once; several processes may do so at a time.

        Raises StoreError(schema) if the indexes were made otherwise than this program makes them.
        """
        if self._ready:
            return
        with translated():
            self._put_template()
            if not self._cluster.client.indices.exists(index=self.claims):
                self._create(self.claims, settings=_settings(), mappings=_mapping(CLAIM_PROPERTIES, ""))
            if not self._cluster.client.indices.exists(index=self.alias):
                self._create(self._this_month, settings=_settings(), aliases={self.alias: {"is_write_index": True}})
        self.found()
        self._turn_over()
        self._ready = True

    def found(self) -> Found:
        """Return the indexes behind the alias. Raises StoreError(schema)."""
        with translated():
            found = self._cluster.client.indices.get(index=self.alias).body
        metas = [each["mappings"].get("_meta", {}) for each in found.values()]
        if self.alias in found or any(meta.get("version") != VERSION for meta in metas):
            raise StoreError(
                f"Elasticsearch 里的 {self.alias} 不是本程序所建的第 {VERSION} 版索引。",
                reason="schema",
                hint="请升级 Qingting，或在 store.posts 的地址里用 index= 换一个名称。",
            )
        return Found(tuple(sorted(found)), frozenset(meta.get("cut", "") for meta in metas))

    def names(self) -> list[str]:
        """Return the names of the months' indexes behind the alias, oldest first."""
        return sorted(name for name in self._behind_alias() if not name.startswith(self._kept))

    def kept_months(self) -> list[str]:
        """Return the names of the indexes behind the alias that hold what is kept of forgotten months."""
        return sorted(name for name in self._behind_alias() if name.startswith(self._kept))

    def months_before(self, before: datetime) -> list[str]:
        """Return the names of the months' indexes that end by a time, oldest first, all but the one written to."""
        if any(written and self._ends_by(name, before) for name, written in self._behind_alias().items()):
            self._turn_over()
        months = sorted(self._behind_alias().items())
        return [name for name, written in months if not written and self._ends_by(name, before)]

    def make_kept(self, month: str) -> str:
        """Make the index for what is kept of a month, not yet behind the alias, and return its name."""
        name = self._kept + month.removeprefix(self._months)
        with translated():
            if not self._cluster.client.indices.exists(index=name):
                # Made by the months' template, but for the shards: what is kept are a few thousand posts at most.
                self._create(name, settings={**_settings(), "number_of_shards": 1})
        return name

    def replace(self, month: str, kept: str) -> bool:
        """Delete a month's index and put what is kept of it, '' for nothing, behind the alias: both in one step.

        Return False if another process has done so meanwhile.
        """
        actions: list[dict[str, Any]] = [{"remove_index": {"index": month}}]
        if kept:
            actions.append({"add": {"index": kept, "alias": self.alias, "is_write_index": False}})
        with translated():
            try:
                self._cluster.client.indices.update_aliases(actions=actions)
            except NotFoundError:
                return False
        return True

    def _behind_alias(self) -> dict[str, bool]:
        """Return the names of the indexes behind the alias, and of each whether it is the one written to."""
        with translated():
            found = self._cluster.client.indices.get_alias(name=self.alias).body
        return {name: bool(each["aliases"][self.alias].get("is_write_index")) for name, each in found.items()}

    def _ends_by(self, name: str, before: datetime) -> bool:
        found = MONTH.fullmatch(name.removeprefix(self._months))
        if found is None:
            return False
        year, month = map(int, found.groups())
        return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) <= before

    def turn_over_for(self, newest: datetime) -> None:
        """Ask for a new month's index when posts of a later month than before arrive."""
        month = (utc(newest).year, utc(newest).month)
        if month > self._month:
            self._turn_over()
            self._month = month

    def _turn_over(self) -> None:
        """Move writing on to this month's index, unless it is there already."""
        with translated():
            try:
                self._cluster.client.indices.rollover(alias=self.alias, new_index=self._this_month)
            except BadRequestError as error:
                if EXISTS not in error_kinds(error):
                    raise

    def _create(self, name: str, **body: Any) -> None:
        try:
            self._cluster.client.indices.create(index=name, **body)
        except BadRequestError as error:
            if EXISTS not in error_kinds(error):
                raise

    def _put_template(self) -> None:
        """State how every further month's index is made; `PREFIX@custom` is the operators' own part of it."""
        name = f"{self.alias}-v{VERSION}"
        mapping = _mapping(PROPERTIES, self._cut_version)
        custom = f"{self.alias}@custom"
        try:
            stands = self._cluster.client.indices.get_index_template(name=name).body["index_templates"]
        except NotFoundError:
            stands = []
        if any(_meta(each) == mapping["_meta"] for each in stands):
            return
        self._cluster.client.indices.put_index_template(
            name=name,
            index_patterns=[f"{name}-*"],
            priority=500,
            version=VERSION,
            template={"settings": _settings(), "mappings": mapping},
            composed_of=[custom],
            ignore_missing_component_templates=[custom],
        )


def _settings() -> dict[str, object]:
    # One copy more than the first, as soon as there is a second node to hold it.
    return {"refresh_interval": REFRESH_INTERVAL, "auto_expand_replicas": "0-1"}


def _mapping(properties: Any, cut_version: str) -> dict[str, Any]:
    return {"dynamic": "strict", "_meta": {"version": VERSION, "cut": cut_version}, "properties": properties}


def _meta(template: Any) -> object:
    return template["index_template"]["template"].get("mappings", {}).get("_meta")
