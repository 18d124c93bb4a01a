"""Downloads of files from Telegram, within its size limit and each user's limits."""

from telegram.error import BadRequest, TelegramError

from bot.context import Context

MOST_FILE_BYTES = 20_000_000


class Unreadable(Exception):
    """A message that can't become a prompt. `key` and `values` give the sentence of the locales that explains it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


async def download(file_id: str, size: int, context: Context) -> bytes:
    """Return the whole file. Raises Unreadable."""
    if size > MOST_FILE_BYTES:
        raise Unreadable("chat.file_big")
    services = context.services
    if refused := services.downloads.take(context.user.id, size, services.config, services.clock):
        raise Unreadable(refused, minute=services.config.files_per_minute, mb=services.config.bytes_per_day // 10**6)
    try:
        file = await context.bot.get_file(file_id)
        return bytes(await file.download_as_bytearray())
    except BadRequest as error:
        raise Unreadable("chat.file_big" if "too big" in str(error) else "chat.file_gone") from error
    except TelegramError as error:
        raise Unreadable("chat.file_gone") from error
