"""Frames that carry nothing: servers send them so that a connection stays open."""

from engine.providers.sse import Frame

_EVENTS = frozenset({"ping", "heartbeat", "keepalive", "keep-alive", "keep_alive"})
_TEXTS = frozenset({"", "null", "ping", "pong", "heartbeat", "keepalive", "keep-alive"})


def is_heartbeat(frame: Frame) -> bool:
    """Return whether a frame that is no JSON object carries nothing: by its name, or by its data."""
    return frame.event.strip().lower() in _EVENTS or frame.data.strip().lower() in _TEXTS
