"""Files in chat completions: parts of type file."""

from collections.abc import Mapping
from typing import Any

from engine.errors import BadRequest
from web.pipeline.fields import Fields
from web.pipeline.files import AttachedFile, FileForm


class ChatFileForm(FileForm):
    """OpenAI's `{"type": "file", "file": {"file_data": "data:...", "filename": "a.pdf"}}`."""

    kind = "file"

    def file_in(self, part: Mapping[str, Any], where: str) -> AttachedFile | None:
        if part.get("type") != "file":
            return None
        file = Fields(Fields(part, where).object("file") or {}, f"{where}.file")
        if file.optional_text("file_id"):
            raise BadRequest(f"{where}.file.file_id", "must be absent: files are not stored here, send file_data")
        return AttachedFile(f"{where}.file.file_data", file.text("file_data"), file.optional_text("filename") or "")

    def text_part(self, text: str) -> dict[str, Any]:
        return {"type": "text", "text": text}

    def picture_part(self, jpeg: str) -> dict[str, Any]:
        return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{jpeg}"}}
