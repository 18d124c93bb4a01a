"""Due runs of scheduled prompts, started and handled as by the scheduler and the intake."""

from bot.updates.incoming import handler_of
from bot.updates.intake import Intake
from storage.schedules import scheduled_runs
from tests.bot.commands.conftest import Chat


async def run_due(chat: Chat, **later: float) -> str:
    """Move the clock, start the due runs, and return the texts that the bot sent."""
    chat.clock.move(**later)
    services = chat.services
    await chat.write(lambda conn: scheduled_runs.start_due(conn, services.bot_id, chat.clock.now(), 10))
    return await handle(chat)


async def handle(chat: Chat) -> str:
    """Handle the updates waiting in the inbox; return the texts that the bot sent."""
    before, services, application = len(chat.request.calls), chat.services, chat.application
    intake = Intake(
        services.db,
        services.bot_id,
        services.lease_id,
        chat.clock,
        handler_of(application.bot, application.process_update),
        lambda _: None,
    )
    await intake.take_up()
    await intake.finish()
    if chat.errors:
        raise chat.errors[0]
    return "\n".join(call.text for call in chat.request.calls[before:] if call.text)
