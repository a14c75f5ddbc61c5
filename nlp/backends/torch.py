"""Stub."""
from __future__ import annotations
from collections.abc import Sequence
from pathlib import Path
from nlp.judgement import Judgement
from qingting.errors import ReaderError
class TorchBackend:
    threshold = 0.5
    degraded = False
    name = "torch"
    def __init__(self, model: Path | None, *, threads: int, max_tokens: int) -> None:
        raise ReaderError("没有安装 torch。", reason="unsupported", hint="请安装 qingting[torch]。")
    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        raise NotImplementedError
