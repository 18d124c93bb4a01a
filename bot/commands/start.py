"""/start and /help: a greeting with the rest of the plan, and the list of commands."""

from telegram import Update

from bot.command import Command, all_commands
from bot.context import Context, arguments
from bot.groups.greeting import greeting
from bot.questions.held_answers import AGAIN, offer_held, resend


async def start(update: Update, context: Context) -> None:
    """Greet the user, or run the command that a link from a group names."""
    message = update.message
    assert message is not None
    if context.in_group:
        await context.reply(await greeting(context, message.chat.id))
        return
    name, _, argument = (arguments(context)[0] if arguments(context) else "").partition("_")
    linked = all_commands(context).get(name)
    if linked is not None and not linked.admin:
        context.args = [argument] if argument else []
        await linked.run(update, context)
        return
    state = await context.state()
    await context.reply(
        context.t(
            "start.hello",
            name=context.user.first_name,
            left=state.allowance_left_tokens,
            plan=state.plan,
        )
    )
    await offer_held(context)


async def help_(update: Update, context: Context) -> None:
    """List the commands. In groups: those that work there, and nothing of prices."""
    commands = [command for command in all_commands(context).values() if command.menu]
    if context.in_group:
        listed = [command for command in commands if not command.private_only and not command.admin]
        message = update.message
        assert message is not None
        await context.reply(await greeting(context, message.chat.id) + "\n" + _lines(context, listed))
        return
    text = context.t("help.head") + _voice(context) + _lines(context, [c for c in commands if not c.admin])
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
    Command("start", start, 0, private_only=False, menu=False, buttons={AGAIN: resend}),
    Command("help", help_, 90, private_only=False),
)
