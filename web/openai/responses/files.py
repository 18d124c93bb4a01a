"""Files in responses: parts of type input_file."""

from collections.abc import Mapping
from typing import Any

from engine.errors import BadRequest
from web.pipeline.fields import Fields
from web.pipeline.files import AttachedFile, FileForm

_ELSEWHERE = {
    "file_id": "must be absent: files are not stored here, send file_data",
    "file_url": "must be absent: files are not fetched here, send file_data",
}


class ResponseFileForm(FileForm):
    """OpenAI's `{"type": "input_file", "file_data": "data:...", "filename": "a.pdf"}`."""

    kind = "input_file"

    def file_in(self, part: Mapping[str, Any], where: str) -> AttachedFile | None:
        if part.get("type") != "input_file":
            return None
        fields = Fields(part, where)
        for name, reason in _ELSEWHERE.items():
            if fields.optional_text(name):
                raise BadRequest(f"{where}.{name}", reason)
        return AttachedFile(f"{where}.file_data", fields.text("file_data"), fields.optional_text("filename") or "")

    def text_part(self, text: str) -> dict[str, Any]:
        return {"type": "input_text", "text": text}

    def picture_part(self, jpeg: str) -> dict[str, Any]:
        return {"type": "input_image", "image_url": f"data:image/jpeg;base64,{jpeg}"}
