"""Voice messages, audio files and video notes: transcribed and charged once, even after a crash."""

from dataclasses import dataclass

from telegram import MessageEntity

from bot.attachments.downloads import Unreadable, download
from bot.context import Context, claimed_update
from bot.delivery.parts import payload
from bot.formatting.characters import clean
from bot.formatting.characters import units as utf16_len
from bot.formatting.markdown import Piece, plain_head, with_tail
from engine.gateway.transcription import Transcriber, TranscriptionRequest
from engine.ports import CaptureStep
from engine.providers.registry import brand
from engine.speech import Recording
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.telegram import outbox, question_changes
from storage.telegram.question_content import QuestionFile
from storage.telegram.questions import QuestionRecord
from storage.tenants.tenants import TenantState

QUOTED_UNITS = 1000
_ENDINGS = {
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/aac": "m4a",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/webm": "webm",
    "video/mp4": "mp4",
}
"""File name endings that transcription servers accept by media type; some refuse Telegram's own `.oga`."""


async def transcript_of(record: QuestionRecord, number: int, context: Context) -> str:
    """Return the transcript of a file of a question; `number` counts its `all_files`. Raises Unreadable or EngineError.

    The transcript is then charged, stored in the record for a retry, and sent to the user as a quotation.
    """
    file = record.content.all_files[number]
    if file.transcript is not None:
        return file.transcript
    services, transcriber = context.services, context.services.transcriber
    if transcriber is None:
        raise Unreadable("chat.no_voice")
    if file.seconds > transcriber.most_seconds:
        raise Unreadable("voice.long", minutes=f"{transcriber.most_seconds / 60:g}")
    tenant, state = await context.tenant(), await context.state()
    await services.gateway.check_admission(tenant, record.model or str(state.settings.get("model", "auto")))
    job = _Transcription(context, record, number, transcriber, state)
    request = TranscriptionRequest(job.id, job.epoch, file.seconds, job.fetch, job.save)
    transcript = await transcriber.transcribe(tenant, request)
    if transcript.understated:  # the operator pays what exceeds the hold, so this is allowed once a day
        services.downloads.close_day(context.user.id, services.config, services.clock)
    if not transcript.text:
        raise Unreadable("voice.nothing")
    await context.courier.send(job.id)
    return clean(transcript.text)


@dataclass(frozen=True, slots=True)
class _Transcription:
    """A transcription of one recording, which is file `number` of a question."""

    context: Context
    record: QuestionRecord
    number: int
    transcriber: Transcriber
    state: TenantState

    @property
    def id(self) -> str:
        """The request id: the same for each retry of the update, and different from the answer's."""
        return f"{self.context.request_id}:voice{self.number or ''}"

    @property
    def epoch(self) -> int:
        claimed = claimed_update.get()
        return claimed.epoch if claimed is not None else 1

    @property
    def file(self) -> QuestionFile:
        return self.record.content.all_files[self.number]

    async def fetch(self) -> Recording:
        """Download the recording. Raises Unreadable."""
        data = await download(self.file.file_id, self.file.size_bytes, self.context)
        kind = self.file.mime_type
        return Recording(data, f"recording.{_ENDINGS.get(kind, 'mp3')}", kind if kind in _ENDINGS else "audio/mpeg")

    def save(self, transcript: str) -> CaptureStep:
        """Return the step that saves the transcript in record and outbox, in the transaction that charges for it."""
        services, place = self.context.services, self.record.place
        said, now = clean(transcript), services.clock.now()
        reply_to = None if self.record.is_private else place.message_id

        def step(conn: Connection, charge: Charge) -> None:
            (shown, *_) = with_tail([_quoted(said)], self._footer(charge))
            part = payload(shown, thread_id=place.thread_id or None, reply_to=reply_to)
            outbox.put(conn, self.id, place.chat_id, [part], services.lease_id, now)
            question_changes.add_transcript(conn, self.record.id, self.number, said, now)

        return step

    def _footer(self, charge: Charge) -> str:
        if not self.state.settings.get("footer", self.context.services.config.footer):
            return ""
        name = brand(self.transcriber.offer.provider)
        return f"{self.context.written(charge.wallet)} · {name}" if self.record.is_private else name


def _quoted(said: str) -> Piece:
    """Return the beginning of the transcript as a quotation, which clients fold after a few lines."""
    head = plain_head(" ".join(said.split()), QUOTED_UNITS)
    text = f"🎤 {head}" + ("…" if utf16_len(said) > QUOTED_UNITS else "")
    return Piece(text, (MessageEntity(MessageEntity.EXPANDABLE_BLOCKQUOTE, 0, utf16_len(text)),))
