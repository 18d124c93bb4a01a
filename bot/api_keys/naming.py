"""Names of API keys: a free name for a new key, and a name that the owner sends."""

from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import count

from telegram import Update

from bot.buttons import rows
from bot.chat.pending_input import cancel_button, stop_waiting, wait_for_text
from bot.context import Context
from storage.tenants import tenant_settings
from storage.tenants.api_keys import ApiKey

COMMAND = "keys"
CHOSEN = "named_key"
"""The tenant's setting: the id of the key that waits for a name."""
WAIT = timedelta(minutes=10)


def free_name(context: Context, taken: AbstractSet[str]) -> str:
    """Return the first of "Key 1", "Key 2" … that no key has."""
    names = (context.t("keys.numbered", n=number) for number in count(1))
    return next(name for name in names if name not in taken)


async def ask_name(context: Context, key: ApiKey) -> None:
    """Ask for the key's new name, and wait for it."""
    tenant_id = (await context.state()).id
    await context.services.db.write(lambda conn: tenant_settings.set_setting(conn, tenant_id, CHOSEN, key.id))
    await wait_for_text(context, COMMAND, WAIT)
    text = context.t("keys.choose_name", prefix=key.prefix, name=key.name)
    await context.reply(text, rows([cancel_button(context, COMMAND)]))


async def chosen_key(context: Context) -> int:
    """Return the id of the key that waits for a name; 0 for none."""
    return int((await context.state(fresh=True)).settings.get(CHOSEN) or 0)


async def keep_name(_: Update, context: Context, __: tuple[str, ...]) -> None:
    await stop_waiting(context)
    await context.edit_or_reply(context.t("keys.name_kept"))
