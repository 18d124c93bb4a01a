"""Heartbeats: frames without content, which servers send to keep a connection open."""

from engine.providers.sse import Frame

_EVENTS = frozenset({"ping", "heartbeat", "keepalive", "keep-alive", "keep_alive"})
_TEXTS = frozenset({"", "null", "ping", "pong", "heartbeat", "keepalive", "keep-alive"})


def is_heartbeat(frame: Frame) -> bool:
    """Return whether a frame, which is no JSON object, is a heartbeat: by its event name or by its data."""
    return frame.event.strip().lower() in _EVENTS or frame.data.strip().lower() in _TEXTS
