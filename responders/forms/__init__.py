"""The documents that can be drafted, one module each; a module that is here is a form that can be asked for."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from qingting.errors import DraftError
from responders.forms.form import Form


def _find() -> Mapping[str, Form]:
    """Return every form in this folder by its id."""
    names = sorted(each.name for each in pkgutil.iter_modules(__path__) if each.name != "form")
    forms = [importlib.import_module(f"{__name__}.{name}").FORM for name in names]
    return MappingProxyType({form.id: form for form in forms})


CHANNELS: Mapping[str, Form] = _find()
"""The forms by channel id."""


def form_of(channel: str) -> Form:
    """Return the form of a channel, given by id or by Chinese name. Raises DraftError(unknown_channel)."""
    for form in CHANNELS.values():
        if channel in (form.id, form.name):
            return form
    known = "、".join(f"{form.id}（{form.name}）" for form in CHANNELS.values())
    raise DraftError(f"没有 {channel!r} 这个文种。", reason="unknown_channel", hint=f"可用：{known}。")


__all__ = ["CHANNELS", "Form", "form_of"]
