"""Recordings: put into writing once, whatever crashes between, and shown as they were understood."""

from dataclasses import dataclass
from datetime import timedelta

from telegram import Audio, Message, MessageEntity, VideoNote, Voice
from telegram.constants import ChatType
from telegramify_markdown import utf16_len

from bot.chat.downloads import Unreadable, download
from bot.chat.footer import cents
from bot.context import Context, claimed_update, thread_of
from bot.delivery.courier import payload
from bot.formatting.markdown import Piece, clean, plain_head, with_tail
from engine.errors import HoldLost
from engine.gateway.transcription import Spoken, Transcriber
from engine.ports import CaptureStep
from engine.speech import Recording
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.telegram import inbox, outbox
from storage.telegram.inbox import ClaimedUpdate
from storage.tenants.tenants import TenantState

HEARD = "farthing_heard"
"""The field of a stored message that holds what was heard in it."""

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
"""What servers know a format by: Telegram's own `.oga` is refused by some."""


def recorded(message: Message) -> Voice | Audio | VideoNote | None:
    """The recording that a message is, where it is one."""
    return message.voice or message.audio or message.video_note


def is_unheard(message: Message) -> bool:
    return recorded(message) is not None and HEARD not in message.api_kwargs


async def heard(message: Message, context: Context, number: int) -> str:
    """What is said in the message, `number` of those that came as one. Raises Unreadable and EngineErrors.

    It is paid for when this returns, stands in the stored update for the next try, and is on its way to be shown.
    """
    if not is_unheard(message):
        return str(message.api_kwargs[HEARD])
    services, recording = context.services, recorded(message)
    transcriber = services.transcriber
    if transcriber is None or recording is None:
        raise Unreadable("chat.no_voice")
    if context.is_old:
        raise Unreadable("voice.old")  # listening costs money: that is not spent unasked
    seconds = _seconds(recording.duration)
    if seconds > transcriber.most_seconds:
        raise Unreadable("voice.long", minutes=f"{transcriber.most_seconds / 60:g}")
    tenant, state = await context.tenant(), await context.state()
    await services.gateway.may_ask(tenant, str(state.settings.get("model", "auto")))
    hearing = _Hearing(context, message, recording, transcriber, state, _row(number))
    spoken = Spoken(hearing.id, hearing.epoch, seconds, hearing.fetch, hearing.keep)
    transcript = await transcriber.transcribe(tenant, spoken)
    if transcript.understated:  # what a bill has over the hold is the house's loss: once a day will do
        services.downloads.close_day(context.user.id, services.config, services.clock)
    if not transcript.text:
        raise Unreadable("voice.nothing")
    await context.courier.send(hearing.id)
    return clean(transcript.text)


def _row(number: int) -> ClaimedUpdate | None:
    """The stored update of this message."""
    claimed = claimed_update.get()
    return (claimed, *claimed.rest)[number] if claimed is not None else None


@dataclass(frozen=True, slots=True)
class _Hearing:
    context: Context
    message: Message
    recording: Voice | Audio | VideoNote
    transcriber: Transcriber
    state: TenantState
    row: ClaimedUpdate | None

    @property
    def id(self) -> str:
        """The same for every try at the same update, and not the answer's."""
        if self.row is None:
            return f"{self.context.request_id}:voice"
        return f"tg:{self.context.services.bot_id}:{self.row.update_id}:voice"

    @property
    def epoch(self) -> int:
        return self.row.epoch if self.row is not None else 1

    async def fetch(self) -> Recording:
        """Raises Unreadable."""
        data = await download(self.recording.file_id, self.recording.file_size or 0, self.context)
        told = None if isinstance(self.recording, VideoNote) else self.recording.mime_type
        kind = told or ("video/mp4" if isinstance(self.recording, VideoNote) else "audio/ogg")
        return Recording(data, f"recording.{_ENDINGS.get(kind, 'mp3')}", kind if kind in _ENDINGS else "audio/mpeg")

    def keep(self, said: str) -> CaptureStep:
        """What was heard goes to the stored update and, quoted, to the outbox: with the charge, or not at all."""
        services, message = self.context.services, self.message
        said, now = clean(said), services.clock.now()

        def also(conn: Connection, charge: Charge) -> None:
            (shown, *_) = with_tail([_quoted(said)], self._footer(charge))
            part = payload(shown, thread_id=thread_of(message), reply_to=self._reply_to)
            outbox.put(conn, self.id, message.chat.id, [part], services.lease_id, now)
            row = self.row
            if row is not None and not inbox.add_to_message(conn, row.id, row.epoch, HEARD, said):
                raise HoldLost(self.id)

        return also

    @property
    def _reply_to(self) -> int | None:
        return None if self.message.chat.type == ChatType.PRIVATE else self.message.message_id

    def _footer(self, charge: Charge) -> str:
        if not self.state.settings.get("footer", self.context.services.config.footer):
            return ""
        return f"{cents(charge.wallet)} · {self.transcriber.offer.provider}"


def _quoted(said: str) -> Piece:
    """As much of it as shows what was understood; folded by the app where it is longer than a few lines."""
    head = plain_head(" ".join(said.split()), QUOTED_UNITS)
    text = f"🎤 {head}" + ("…" if utf16_len(said) > QUOTED_UNITS else "")
    return Piece(text, (MessageEntity(MessageEntity.EXPANDABLE_BLOCKQUOTE, 0, utf16_len(text)),))


def _seconds(duration: int | timedelta) -> int:
    return max(0, round(duration.total_seconds() if isinstance(duration, timedelta) else duration))
