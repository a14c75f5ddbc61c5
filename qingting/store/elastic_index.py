"""The indexes of the posts: one a month of arrival behind one alias, and a small one for the workers' claims.

`PREFIX` is the alias: it reads all months and writes to the latest. A month ends when the cluster's own clock says
so, whatever the clocks of workers say. To forget a month, its index is deleted; nothing else needs to be changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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

    def make_ready(self) -> None:
        """Make what is missing and check what is there, once; several processes may do so at a time.

        Raises StoreError(schema) if the indexes were made otherwise than this program makes them.
        """
        if self._ready:
            return
        with translated():
            self._put_template()
            if not self._cluster.client.indices.exists(index=self.claims):
                self._create(self.claims, mappings=_mapping(CLAIM_PROPERTIES, ""))
            if not self._cluster.client.indices.exists(index=self.alias):
                self._create(self._this_month, aliases={self.alias: {"is_write_index": True}})
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
        """Return the names of the indexes behind the alias, oldest first."""
        with translated():
            return sorted(self._cluster.client.indices.get_alias(name=self.alias).body)

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
            self._cluster.client.indices.create(index=name, settings=_settings(), **body)
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
