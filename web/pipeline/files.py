"""Files in a request, such as PDFs: read here, so that every model can answer about them."""

import base64
import binascii
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from documents.reading.file_content import FileContent, Flaw, UnreadableFileError
from documents.reading.reader import FileReader
from engine.errors import BadRequest, EngineError
from engine.tenancy import Tenant
from web.errors import HttpProblem

MOST_FILES = 16
MOST_OF_TENANT, MOST_AT_ONCE = 4, 12
TOO_MANY = HttpProblem(
    429,
    f"The files of {MOST_OF_TENANT} of your requests are being read. Nothing was charged. Please try again soon.",
    "rate_limit_error",
    "too_many_files",
    retry_after_seconds=5,
)
ALL_BUSY = HttpProblem(
    503,
    "Too many files are being read at once; nothing was charged. Please try again in a moment.",
    "server_error",
    "overloaded",
    retry_after_seconds=5,
)
_LANGUAGE = "en"
_HOLDERS = ("content", "output")
_REASONS = {
    Flaw.KIND: "is of a kind that can't be read: send text, a PDF, a picture, or a file of Office or OpenDocument",
    Flaw.OLD_OFFICE: "is of an old format of Office: save it as .docx, .xlsx or .pptx",
    Flaw.PICTURE: "is a picture that can't be read",
    Flaw.LOCKED: "is locked with a password",
    Flaw.BROKEN: "is damaged",
    Flaw.EMPTY: "has no text",
    Flaw.HUGE: "has too many pixels: make it smaller",
    Flaw.SLOW: "takes too long to read: send a part of it",
}


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file as a request has it: base64, or a data URL. `where` is the path of that field."""

    where: str
    encoded: str
    name: str = ""

    def data(self) -> bytes:
        """Return the bytes. Raises BadRequest."""
        text = self.encoded.partition(",")[2] if self.encoded.startswith("data:") else self.encoded
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            data = b""
        if not data:
            raise BadRequest(self.where, "must be a file in base64")
        return data


class FileForm(ABC):
    """How a family writes files, as parts of type `kind`, and the parts that take a file's place."""

    kind: str

    @abstractmethod
    def file_in(self, part: Mapping[str, Any], where: str) -> AttachedFile | None:
        """Return the file of a part; None for a part of another kind. Raises BadRequest."""

    @abstractmethod
    def text_part(self, text: str) -> dict[str, Any]:
        """Return a part with a text."""

    @abstractmethod
    def picture_part(self, jpeg: str) -> dict[str, Any]:
        """Return a part with a picture in base64."""


@dataclass(frozen=True, slots=True)
class RequestFiles:
    """Reads the files of requests, in child processes with limits. A few requests at once: each holds its body.

    `count` counts one request of a tenant, for the limit of requests per minute.
    """

    reader: FileReader = field(default_factory=FileReader)
    count: Callable[[Tenant], Awaitable[None]] | None = None
    _reading: Counter[int] = field(default_factory=Counter)

    async def read(self, messages: Any, form: FileForm, where: str, tenant_id: int) -> Any:
        """Return the messages of a request with the content of files in their place. Raises BadRequest.

        Messages that are not valid are returned unchanged. Raises HttpProblem too, if too many are being read.
        """
        if not isinstance(messages, list) or not _may_have_files(messages, form.kind):
            return messages
        work = _Reading(self.reader, form, tenant_id)
        with self._place(tenant_id):
            return [await work.message(each, f"{where}.{n}") for n, each in enumerate(messages)]

    @asynccontextmanager
    async def counting(self, tenant: Tenant, messages: Any, kind: str, *, is_free: bool = False) -> AsyncIterator[None]:
        """Count a request whose files are read although no answer follows: one that is refused, or free of charge."""
        has_files = isinstance(messages, list) and _may_have_files(messages, kind)
        try:
            yield
        except (EngineError, HttpProblem) as error:
            is_busy = isinstance(error, HttpProblem) and error.status in {TOO_MANY.status, ALL_BUSY.status}
            if has_files and self.count is not None and not is_busy:
                await self.count(tenant)
            raise
        if has_files and is_free and self.count is not None:
            await self.count(tenant)

    @contextmanager
    def _place(self, tenant_id: int) -> Iterator[None]:
        """Take a place for one request. Raises HttpProblem 429 or 503: waiting bodies would fill the memory."""
        if self._reading[tenant_id] >= MOST_OF_TENANT:
            raise TOO_MANY.new()
        if self._reading.total() >= MOST_AT_ONCE:
            raise ALL_BUSY.new()
        self._reading[tenant_id] += 1
        try:
            yield
        finally:
            self._reading[tenant_id] -= 1
            if not self._reading[tenant_id]:
                del self._reading[tenant_id]


def _may_have_files(messages: list[Any], kind: str) -> bool:
    """Return False for most requests, at a fraction of the time that reading takes."""
    for message in messages:
        for name in _HOLDERS if isinstance(message, dict) else ():
            parts = message.get(name)
            if isinstance(parts, list) and any(_may_be_file(part, kind) for part in parts):
                return True
    return False


def _may_be_file(part: Any, kind: str) -> bool:
    return isinstance(part, dict) and (part.get("type") == kind or isinstance(part.get("content"), list))


@dataclass(slots=True)
class _Reading:
    """The files of one request; `number` of them were found so far."""

    reader: FileReader
    form: FileForm
    tenant_id: int
    number: int = 0

    async def message(self, message: Any, where: str) -> Any:
        """Return a message, or an item, with its files read. Parts may have a list of parts: the result of a tool."""
        if not isinstance(message, dict):
            return message
        for name in _HOLDERS:
            parts = message.get(name)
            if isinstance(parts, list):
                message = {**message, name: await self._parts(parts, f"{where}.{name}", is_nested=False)}
        return message

    async def _parts(self, parts: list[Any], where: str, *, is_nested: bool) -> list[Any]:
        found: list[Any] = []
        for n, part in enumerate(parts):
            found += await self._part(part, f"{where}.{n}", is_nested=is_nested)
        return found

    async def _part(self, part: Any, where: str, *, is_nested: bool) -> list[Any]:
        if not isinstance(part, dict):
            return [part]
        file = self.form.file_in(part, where)
        if file is not None:
            return await self._read(file)
        inner = part.get("content")
        if is_nested or not isinstance(inner, list):
            return [part]
        return [{**part, "content": await self._parts(inner, f"{where}.content", is_nested=True)}]

    async def _read(self, file: AttachedFile) -> list[Any]:
        self.number += 1
        if self.number > MOST_FILES:
            raise BadRequest(file.where, f"is one file too many: a request may have {MOST_FILES}")
        try:
            content = await self.reader.read(file.data(), self.tenant_id, _LANGUAGE)
        except UnreadableFileError as error:
            raise BadRequest(file.where, _REASONS[error.flaw]) from error
        pictures = [self.form.picture_part(base64.b64encode(each.data).decode()) for each in content.pictures]
        return [self.form.text_part(_labelled(content, file.name)), *pictures]


def _labelled(content: FileContent, name: str) -> str:
    """Return the text of a file below its name and a note of the part that was read, both for the model."""
    title = " ".join(name.split()).replace("]", ")") or "file"
    if not content.is_whole:
        title += f", only the first {content.shown} {'pages' if content.unit == 'pages' else 'characters'} of it"
    return f"[File {title}:]\n{content.text}" if content.text else f"[File {title}, as pictures of its pages:]"
