"""/new, /stop, /retry, /ask: commands of the conversation."""

from functools import partial

from telegram import Message, Update
from telegram.constants import ChatType

from bot.attachments.content import content_of
from bot.chat.asking import ask_message, run
from bot.chat.pending_input import stop_waiting
from bot.chat.variants import SMART, SMARTER, VARIANT
from bot.command import Command, Topic
from bot.commands.model import spelled
from bot.context import Context, arguments, thread_of
from bot.error_texts import refusal
from bot.groups.addressing import argument, is_chat_admin
from bot.questions import records
from bot.questions.buttons import AGAIN, INSTEAD, press_used
from bot.spending.ask_first import BRIEF, CHEAPER, GO_ON, agreed_ask
from engine.errors import EngineError, ModelNotInPlan
from storage.telegram import conversations, inbox, questions
from storage.telegram.questions import Ask, Begun

_NOT_BEGUN = {Begun.BUSY: "ask.busy", Begun.USED: "ask.used", Begun.GONE: "ask.gone"}


async def new(update: Update, context: Context) -> None:
    """Begin a new conversation; words or a file sent with the command are its first question."""
    message = update.message
    assert message is not None
    thread, now = thread_of(message) or 0, context.services.clock.now()
    ended = await context.services.db.write(lambda conn: conversations.reset(conn, message.chat.id, thread, now))
    content = content_of(message, context, argument(message))
    if content.text or content.files:
        await ask_message(context, message, content)
    else:
        await context.reply(context.t("new.done" if ended else "new.nothing"))


async def stop(update: Update, context: Context) -> None:
    """Stop the user's own answer; an admin of the group may stop any. The stopped answer itself shows that."""
    message = update.message
    assert message is not None
    answers, place = context.services.answers, (message.chat.id, thread_of(message) or 0)
    if answers.stop(*place, context.user.id):
        return
    if not answers.has_any(*place):
        await _stop_elsewhere(context, message)
    elif await is_chat_admin(context, message.chat.id):
        answers.stop(*place)
    else:
        await context.reply(context.t("stop.not_yours"))


async def _stop_elsewhere(context: Context, message: Message) -> None:
    """Tell the other processes to stop; only an admin of the group may stop another user's answer there."""
    chat_id, thread, services = message.chat.id, thread_of(message) or 0, context.services
    key, lease_id = f"{chat_id}:{thread}", services.lease_id
    if not await services.db.read(partial(inbox.is_claimed_elsewhere, chat_key=key, lease_id=lease_id)):
        await context.reply(context.t("stop.nothing"))
    elif message.chat.type != ChatType.PRIVATE and await is_chat_admin(context, chat_id):
        services.answers.stop(chat_id, thread)


async def retry(update: Update, context: Context) -> None:
    """Ask the user's last question of this conversation again, with another model if one is named."""
    message = update.message
    assert message is not None
    model = spelled(context, " ".join(arguments(context))) if arguments(context) else ""
    if model and (objection := await _objection(context, model)):
        await context.reply(objection)
        return
    state, place = await context.state(), records.place_of(message, context)
    last = await context.services.db.read(lambda conn: questions.last(conn, state.id, place))
    if last is None:
        await context.reply(context.t("retry.nothing"))
        return
    begun, record = await records.begin(context, last.id, Ask(context.request_id, model=model))
    if begun is Begun.BEGUN and record is not None:
        await run(context, record)
    else:
        await context.reply(context.t(_NOT_BEGUN[begun]))


async def _objection(context: Context, model: str) -> str | None:
    """Return the reason why this model can't be asked, so that nothing is begun."""
    plan = (await context.tenant()).plan
    try:
        context.services.market.catalog.model(model)
        if not plan.allows(model):
            raise ModelNotInPlan(model, plan.name)
    except EngineError as error:
        return refusal(context, error)[0]
    return None


async def again(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask the question of a button again, with the options of its last ask."""
    question_id, answers = map(int, args)
    known = await context.services.db.read(lambda conn: questions.find(conn, question_id))
    await _pressed(update, context, question_id, Ask.again(context.request_id, known, answers))


async def variant(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for another answer to the question: a new one, a shorter or longer one, or a stronger model's."""
    chosen, question_id, answers = args[0], int(args[1]), int(args[2])
    model, chosen = (SMART, "") if chosen == SMARTER else ("", chosen)
    await _pressed(update, context, question_id, Ask(context.request_id, model, chosen, answers))


async def go_on(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Continue with a question whose price the user has agreed to."""
    await _agreed(update, context, GO_ON, args)


async def go_on_briefly(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _agreed(update, context, BRIEF, args)


async def go_on_cheaper(update: Update, context: Context, args: tuple[str, ...]) -> None:
    await _agreed(update, context, CHEAPER, args)


async def _agreed(update: Update, context: Context, way: str, args: tuple[str, ...]) -> None:
    question_id, answers, agreed, tokens = map(int, args)
    known = await context.services.db.read(lambda conn: questions.find(conn, question_id))
    as_before = Ask.again(context.request_id, known, answers)
    await _pressed(update, context, question_id, agreed_ask(as_before, way, agreed, tokens))


async def instead(update: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask, as a question, the text that a command did not accept; the command stops waiting."""
    await stop_waiting(context)
    await again(update, context, args)


async def _pressed(update: Update, context: Context, question_id: int, how: Ask) -> None:
    query = update.callback_query
    assert query is not None
    begun, record = await records.begin(context, question_id, how)
    if begun is not Begun.BEGUN or record is None:
        await context.answer_press(context.t(_NOT_BEGUN[begun]), alert=True)
        return
    await context.answer_press()
    await press_used(query)
    await run(context, record)


async def ask(update: Update, context: Context) -> None:
    """Ask the words after the command, about the message that the command replies to."""
    message = update.message
    assert message is not None
    content = content_of(message, context, argument(message))
    if content.is_empty:
        await context.reply(context.t("ask.usage"))
    else:
        await ask_message(context, message, content)


_WAYS = {GO_ON: go_on, BRIEF: go_on_briefly, CHEAPER: go_on_cheaper}

COMMANDS = (
    Command("new", new, 1, topic=Topic.CONVERSATIONS, private_only=False),
    Command("stop", stop, 2, topic=Topic.CHAT, private_only=False, takes_words=False),
    Command(
        "retry",
        retry,
        3,
        topic=Topic.CHAT,
        private_only=False,
        buttons={AGAIN: again, INSTEAD: instead, VARIANT: variant, **_WAYS},
    ),
    Command("ask", ask, 4, topic=Topic.CHAT, private_only=False),
)
