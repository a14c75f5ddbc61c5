"""Authors as pseudonyms: a keyed hash that leads back to nobody, and a masked display name.

Texts are masked on screens instead (`mask_personal`): what was said is evidence and is stored as it was said.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from qingting.errors import ConfigError
from qingting.privacy import mask_personal

__all__ = ["Pseudonyms", "load_key", "mask_personal", "masked", "scrubbed"]

KEY_VARIABLE = "QINGTING_AUTHOR_KEY"
KEY_FILE = "author.key"
KEY_BYTES = 32
# 16 characters are the least that cannot be guessed by trying when somebody makes up a key by hand.
SHORTEST_KEY = 16
# 64 bits: two of 10 million authors share a key with a chance of 3 in a million.
KEY_DIGITS = 16
# What platforms call the fields that name, show or place a person (screen_name, nickName, uname, avatar_hd, gender).
PERSONAL_FIELD = re.compile(
    r"""("[\w$-]*(?:name|nick|author|avatar|face|gender|sex|birth|location|phone|mobile|profile_image)[\w$-]*"\s*:\s*)"""
    r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|-?\d[\d.]*)""",
    re.IGNORECASE,
)


class Pseudonyms:
    """Turns authors into keys that are the same for the same author of the same source, and only with our key."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("pseudonyms without a key could be reversed by trying names")
        self._key = key

    def key_of(self, source: str, author: str) -> str:
        """Return the author's key, 16 hexadecimal digits; '' for no author."""
        if not author:
            return ""
        named = f"{source}\x1f{author}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, named, hashlib.sha256).hexdigest()[:KEY_DIGITS]


def masked(name: str) -> str:
    """Return a display name that no longer names anybody: 张三 as 张*, longer ones as first, stars and last."""
    name = " ".join(name.split())
    if len(name) < 2:
        return "*" if name else ""
    if len(name) == 2:
        return f"{name[0]}*"
    # The stars don't tell the length beyond three, which would help to guess a nickname.
    return f"{name[0]}{'*' if len(name) == 3 else '**'}{name[-1]}"


def scrubbed(raw: bytes, *names: str) -> bytes:
    """Return the first bytes of rejected input as they may be kept: what names, shows or places a person starred out.

    That is the numbers that `mask_personal` knows, the values of JSON fields that are called so, and the given names.
    The rest stays as it was, byte for byte, for somebody to find out what is wrong with it.
    """
    for name in names:
        for encoding in ("utf-8", "gb18030"):
            raw = raw.replace(name.encode(encoding, "replace"), masked(name).encode(encoding, "replace"))
    text = PERSONAL_FIELD.sub(r'\1"*"', raw.decode("utf-8", "surrogateescape"))
    return mask_personal(text).encode("utf-8", "surrogateescape")


def load_key(
    home: Path,
    environ: Mapping[str, str] = os.environ,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """Return the key that authors are hashed with: QINGTING_AUTHOR_KEY, or the home's own, made when it is not there.

    Raises ConfigError(bad_value | unreadable).
    """
    given = environ.get(KEY_VARIABLE, "")
    if given:
        return _checked(given, f"环境变量 {KEY_VARIABLE} ")
    path = home / KEY_FILE
    try:
        if not path.exists():
            _write_once(path, random_bytes(KEY_BYTES).hex())
        return _checked(path.read_text(encoding="ascii").strip(), f"文件 {path} ")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"读不到作者密钥 {path}：{error}", reason="unreadable", hint="请检查该文件的权限，或从备份恢复。"
        ) from error


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all, and leave one that another process wrote."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # A link fails where the name is taken; a rename would replace a key that is already in use.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _checked(key: str, where: str) -> bytes:
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"{where}里的作者密钥太短（{len(key)} 个字符）。",
            reason="bad_value",
            hint=f"请用至少 {SHORTEST_KEY} 个字符的随机密钥；已有数据要用原来的密钥。",
        )
    return key.encode("utf-8")
