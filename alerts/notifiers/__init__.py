"""The ways to tell a receiver, one file each. A new way is written beside these and entered in the table below."""

from collections.abc import Mapping

from alerts.notifiers.contract import Message, Notifier
from alerts.notifiers.webhook import Webhook

NOTIFIERS: Mapping[str, Notifier] = {"webhook": Webhook()}
"""Every way by its ReceiverConfig.kind."""

__all__ = ["NOTIFIERS", "Message", "Notifier"]
