"""Frames of Anthropic's and Gemini's streams."""

import json
from typing import Any


def event(kind: str, **body: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n"


START = event("message_start", message={"model": "claude-haiku-4-5", "usage": {"input_tokens": 9, "output_tokens": 1}})
STOP = event("message_stop")


def said(words: str, index: int = 0) -> str:
    return event("content_block_delta", index=index, delta={"type": "text_delta", "text": words})


def ended(reason: str | None, **usage: Any) -> str:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage)


def frame(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    shaped = [{"text": part} if isinstance(part, str) else part for part in parts]
    candidate = {"content": {"role": "model", "parts": shaped}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}
