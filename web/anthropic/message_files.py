"""Files in Messages: blocks of type document with base64, such as PDFs."""

from collections.abc import Mapping
from typing import Any

from web.pipeline.fields import Fields
from web.pipeline.files import AttachedFile, FileForm


class MessageFileForm(FileForm):
    """Anthropic's `{"type": "document", "source": {"type": "base64", "data": "..."}, "title": "a.pdf"}`."""

    kind = "document"

    def file_in(self, part: Mapping[str, Any], where: str) -> AttachedFile | None:
        source = part.get("source") if part.get("type") == "document" else None
        if not isinstance(source, dict) or source.get("type") != "base64":
            return None
        data = Fields(source, f"{where}.source").text("data")
        return AttachedFile(f"{where}.source.data", data, Fields(part, where).optional_text("title") or "")

    def text_part(self, text: str) -> dict[str, Any]:
        return {"type": "text", "text": text}

    def picture_part(self, jpeg: str) -> dict[str, Any]:
        return {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": jpeg}}
