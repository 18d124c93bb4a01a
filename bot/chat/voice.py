"""Voice messages, audio files and video notes: transcribed and charged once, even after a crash."""

from dataclasses import dataclass
from datetime import timedelta

from telegram import Audio, Message, MessageEntity, VideoNote, Voice
from telegram.constants import ChatType
from telegramify_markdown import utf16_len

from bot.chat.downloads import Unreadable, download
from bot.context import Context, claimed_update, thread_of
from bot.delivery.courier import payload
from bot.formatting.brands import brand
from bot.formatting.markdown import Piece, clean, plain_head, with_tail
from engine.errors import HoldLost
from engine.gateway.transcription import Transcriber, TranscriptionRequest
from engine.ports import CaptureStep
from engine.speech import Recording
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.telegram import inbox, outbox
from storage.telegram.inbox import ClaimedUpdate
from storage.tenants.tenants import TenantState

TRANSCRIPT = "farthing_heard"
"""The field of a stored message that holds its transcript."""

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


def recording_of(message: Message) -> Voice | Audio | VideoNote | None:
    """Return the recording in a message."""
    return message.voice or message.audio or message.video_note


async def transcript_of(message: Message, context: Context, number: int) -> str:
    """Return the transcript of a recording; `number` counts the messages of one update. Raises Unreadable, EngineError.

    Afterwards it is charged, kept in the stored update for a retry, and sent to the user as a quotation.
    """
    if TRANSCRIPT in message.api_kwargs:
        return str(message.api_kwargs[TRANSCRIPT])
    services, recording = context.services, recording_of(message)
    transcriber = services.transcriber
    if transcriber is None or recording is None:
        raise Unreadable("chat.no_voice")
    if context.is_old:
        raise Unreadable("voice.old")  # a transcription costs money: ask before it is spent
    seconds = _seconds(recording.duration)
    if seconds > transcriber.most_seconds:
        raise Unreadable("voice.long", minutes=f"{transcriber.most_seconds / 60:g}")
    tenant, state = await context.tenant(), await context.state()
    await services.gateway.check_admission(tenant, str(state.settings.get("model", "auto")))
    job = _Transcription(context, message, recording, transcriber, state, _row(number))
    request = TranscriptionRequest(job.id, job.epoch, seconds, job.fetch, job.save)
    transcript = await transcriber.transcribe(tenant, request)
    if transcript.understated:  # the operator pays the excess over the hold: allow that once a day
        services.downloads.close_day(context.user.id, services.config, services.clock)
    if not transcript.text:
        raise Unreadable("voice.nothing")
    await context.courier.send(job.id)
    return clean(transcript.text)


def _row(number: int) -> ClaimedUpdate | None:
    """Return the stored update of this message."""
    claimed = claimed_update.get()
    return (claimed, *claimed.rest)[number] if claimed is not None else None


@dataclass(frozen=True, slots=True)
class _Transcription:
    """One recording to be transcribed, and the update that it belongs to."""

    context: Context
    message: Message
    recording: Voice | Audio | VideoNote
    transcriber: Transcriber
    state: TenantState
    row: ClaimedUpdate | None

    @property
    def id(self) -> str:
        """The request id: the same for each retry of the update, and different from the answer's."""
        if self.row is None:
            return f"{self.context.request_id}:voice"
        return f"tg:{self.context.services.bot_id}:{self.row.update_id}:voice"

    @property
    def epoch(self) -> int:
        return self.row.epoch if self.row is not None else 1

    async def fetch(self) -> Recording:
        """Download the recording. Raises Unreadable."""
        data = await download(self.recording.file_id, self.recording.file_size or 0, self.context)
        declared = None if isinstance(self.recording, VideoNote) else self.recording.mime_type
        kind = declared or ("video/mp4" if isinstance(self.recording, VideoNote) else "audio/ogg")
        return Recording(data, f"recording.{_ENDINGS.get(kind, 'mp3')}", kind if kind in _ENDINGS else "audio/mpeg")

    def save(self, transcript: str) -> CaptureStep:
        """Save the transcript in the stored update and the outbox, in the transaction that charges for it."""
        services, message = self.context.services, self.message
        said, now = clean(transcript), services.clock.now()

        def step(conn: Connection, charge: Charge) -> None:
            (shown, *_) = with_tail([_quoted(said)], self._footer(charge))
            part = payload(shown, thread_id=thread_of(message), reply_to=self._reply_to)
            outbox.put(conn, self.id, message.chat.id, [part], services.lease_id, now)
            row = self.row
            if row is not None and not inbox.add_to_message(conn, row.id, row.epoch, TRANSCRIPT, said):
                raise HoldLost(self.id)

        return step

    @property
    def _reply_to(self) -> int | None:
        return None if self.message.chat.type == ChatType.PRIVATE else self.message.message_id

    def _footer(self, charge: Charge) -> str:
        if not self.state.settings.get("footer", self.context.services.config.footer):
            return ""
        name = brand(self.transcriber.offer.provider)
        is_private = self.message.chat.type == ChatType.PRIVATE
        return f"{self.context.written(charge.wallet)} · {name}" if is_private else name


def _quoted(said: str) -> Piece:
    """Return the beginning of the transcript as a quotation, which clients fold after a few lines."""
    head = plain_head(" ".join(said.split()), QUOTED_UNITS)
    text = f"🎤 {head}" + ("…" if utf16_len(said) > QUOTED_UNITS else "")
    return Piece(text, (MessageEntity(MessageEntity.EXPANDABLE_BLOCKQUOTE, 0, utf16_len(text)),))


def _seconds(duration: int | timedelta) -> int:
    return max(0, round(duration.total_seconds() if isinstance(duration, timedelta) else duration))
