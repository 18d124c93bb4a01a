"""/start and /help: a greeting with a suggested question, and the commands by topic."""

from telegram import InlineKeyboardMarkup, Message, Update

from bot.buttons import button
from bot.chat.asking import run
from bot.command import Command, Topic, all_commands
from bot.commands.app import opening_buttons
from bot.context import Context, arguments
from bot.groups.greeting import greeting
from bot.questions import records
from bot.questions.held_answers import AGAIN, offer_held, resend
from storage.telegram.question_content import QuestionContent
from storage.telegram.questions import Begun
from storage.tenants import notices

SUGGESTED = "suggested"
_TAKE_ARGUMENTS = frozenset({"group", "team", "topup"})
_HARMLESS = frozenset({"group", "help", "terms", "privacy", "paysupport"})


async def start(update: Update, context: Context) -> None:
    """Greet the user, or run the command that a link from a group names."""
    message = update.message
    assert message is not None
    if context.in_group:
        await context.reply(await greeting(context, message.chat.id))
        return
    linked = _linked(context)
    if linked is not None:
        await linked.run(update, context)
        return
    state = await context.state()
    text = context.t("start.hello", name=context.user.first_name, left=state.allowance_left_tokens, plan=state.plan)
    await context.reply(text, _first_steps(context))
    await offer_held(context)


def _linked(context: Context) -> Command | None:
    """Return the command of a link such as `?start=group_-100`, and set its argument; None for any other word.

    Anyone can make such a link, so it only opens pages. It asks no question, and few commands get an argument.
    """
    name, _, argument = (arguments(context)[0] if arguments(context) else "").partition("_")
    command = all_commands(context).get(name)
    if command is None or command.admin or not (command.private_only or name in _HARMLESS):
        return None
    context.args = [argument] if argument and name in _TAKE_ARGUMENTS else []
    return command


def _first_steps(context: Context) -> InlineKeyboardMarkup:
    """Return the buttons for a new user: a suggested question, models, plans, Mini App."""
    owner = context.user.id
    suggested = button(f"💬 {context.t('start.question')}", "start", SUGGESTED, owner=owner)
    model = button(context.t("start.model"), "model", "open", owner=owner)
    plans = button(context.t("start.plans"), "plan", "open", owner=owner)
    app = opening_buttons(context)
    return InlineKeyboardMarkup([[suggested], [model, plans], *([app] if app else [])])


async def ask_suggested(update: Update, context: Context, _: tuple[str, ...]) -> None:
    """Ask the suggested question for the user who pressed its button, once per greeting."""
    query, now = update.callback_query, context.services.clock.now()
    assert query is not None
    greeting_id = query.message.message_id if query.message is not None else 0
    pressed = f"suggested:{context.user.id}:{greeting_id}"
    if not await context.services.db.write(lambda conn: notices.first_time(conn, pressed, now)):
        await context.answer_press(context.t("ask.used"), alert=True)
        return
    await context.answer_press()
    question = context.t("start.question")
    shown = await context.reply(f"💬 {question}")
    if isinstance(shown, Message):
        begun, record = await records.store_and_begin(context, shown, QuestionContent(question))
        if begun is Begun.BEGUN and record is not None:
            await run(context, record)


async def help_(update: Update, context: Context) -> None:
    """List the commands by topic; in groups only those that work there, and without prices.

    With the name of a command, tell what that one does.
    """
    if arguments(context):
        await _help_with(context, " ".join(arguments(context)).removeprefix("/").lower())
        return
    commands = [command for command in all_commands(context).values() if command.menu]
    everyones = [command for command in commands if not command.admin]
    if context.in_group:
        message = update.message
        assert message is not None
        listed = [command for command in everyones if not command.private_only]
        await context.reply(await greeting(context, message.chat.id) + "\n" + _by_topic(context, listed))
        return
    text = context.t("help.head") + _voice(context) + _by_topic(context, everyones)
    if context.is_admin:
        text += "\n" + context.t("help.admin") + _lines(context, [command for command in commands if command.admin])
    await context.reply(text)


async def _help_with(context: Context, name: str) -> None:
    command = all_commands(context).get(name)
    if command is None or not command.menu or (command.admin and not context.is_admin):
        await context.reply(context.t("help.takes"))
    else:
        await context.reply(_lines(context, [command]).strip())


def _voice(context: Context) -> str:
    """Return the sentence about voice messages and their price, if a transcriber is configured."""
    transcriber = context.services.transcriber
    return context.t("help.voice", price=transcriber.rate.charge(60)) if transcriber is not None else ""


def _by_topic(context: Context, commands: list[Command]) -> str:
    by_topic = [(topic, [command for command in commands if command.topic is topic]) for topic in Topic]
    parts = (
        f"\n**{context.t(f'help.topic_{topic}')}**{_lines(context, listed)}\n" for topic, listed in by_topic if listed
    )
    return "".join(parts)


def _lines(context: Context, commands: list[Command]) -> str:
    return "".join(f"\n/{command.name}: {context.t(f'command.{command.name}')}" for command in commands)


COMMANDS = (
    Command("start", start, 0, private_only=False, menu=False, buttons={AGAIN: resend, SUGGESTED: ask_suggested}),
    Command("help", help_, 90, private_only=False),
)
