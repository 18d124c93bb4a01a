"""/start and /help: a greeting with the rest of the plan, and the list of commands."""

from telegram import Update

from bot.command import Command, all_commands
from bot.context import Context


async def start(_: Update, context: Context) -> None:
    state = await context.state()
    await context.reply(
        context.t(
            "start.hello",
            name=context.user.first_name,
            left=state.allowance_left_tokens,
            plan=state.plan,
        )
    )


async def help_(update: Update, context: Context) -> None:
    commands = [command for command in all_commands(context).values() if command.menu]
    text = context.t("help.head") + _voice(context) + _lines(context, [c for c in commands if not c.admin])
    message = update.message
    if message is not None and message.chat.type != "private" and not context.bot.can_read_all_group_messages:
        text += context.t("help.privacy_on")
    if context.is_admin:
        text += "\n" + context.t("help.admin") + _lines(context, [c for c in commands if c.admin])
    await context.reply(text)


def _voice(context: Context) -> str:
    """Return the sentence on voice messages and their price, if a transcriber is configured."""
    transcriber = context.services.transcriber
    return context.t("help.voice", price=transcriber.rate.charge(60)) if transcriber is not None else ""


def _lines(context: Context, commands: list[Command]) -> str:
    return "".join(f"\n/{command.name}: {context.t(f'command.{command.name}')}" for command in commands)


COMMANDS = (
    Command("start", start, 0, private_only=False, menu=False),
    Command("help", help_, 90, private_only=False),
)
