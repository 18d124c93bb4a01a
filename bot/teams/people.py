"""The owner's pages about the members of a team: limits, pauses, removal, and a new owner."""

from collections.abc import Callable
from typing import TypeAlias

from telegram import Update

import locales
from bot.buttons import rows
from bot.context import Context
from bot.formatting.literal import as_code
from bot.teams.joining import LIMITS, ask_text, tell
from bot.teams.pages import confirm, limit_values, owned_team, press
from engine.money import ZERO, Money
from locales.amounts import usd_written
from storage.database.connection import Connection
from storage.teams import members
from storage.teams.members import TeamMember

Unit: TypeAlias = Callable[[Connection], None]
MOST_LISTED = 50
MOST_LIMIT = Money.usd("10000")


async def members_page(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """List the members with their use this month, and a button for each."""
    team, now = await owned_team(context), context.services.clock.now()
    if team is None:
        return
    found = await context.services.db.read(lambda conn: members.of_team(conn, team.id, now))
    lines = "\n".join(_line(context, each) for each in found[:MOST_LISTED])
    buttons = [
        press(context, "team.member", "member", each.tenant_id, name=" ".join(each.name.split()) or "?")
        for each in found[:MOST_LISTED]
        if not each.is_owner
    ]
    keyboard = rows([*buttons, press(context, "team.back", "open")])
    await context.edit_or_reply(context.t("team.members_page", name=as_code(team.name), lines=lines), keyboard)


def _line(context: Context, member: TeamMember) -> str:
    key = "team.member_paused" if member.paused else "team.member_line"
    return context.t(key, name=as_code(member.name), **limit_values(context, member))


async def member_page(_: Update, context: Context, args: tuple[str, ...]) -> None:
    member = await _member(context, args)
    if member is not None:
        await _show(context, member)


async def _show(context: Context, member: TeamMember) -> None:
    number = member.tenant_id
    limits = [
        press(context, "team.limit_none", "limit", number, "-")
        if limit is None
        else press(context, "team.limit", "limit", number, limit.nanousd, usd=limit)
        for limit in LIMITS
    ]
    pause = ("team.resume", 0) if member.paused else ("team.pause", 1)
    buttons = [
        *limits,
        press(context, "team.limit_other", "other", number),
        press(context, pause[0], "pause", number, pause[1]),
        press(context, "team.give", "give", number),
        press(context, "team.remove", "remove", number),
        press(context, "team.back", "members"),
    ]
    key = "team.member_paused" if member.paused else "team.member_line"
    text = context.t(key, name=as_code(member.name), **limit_values(context, member))
    await context.edit_or_reply(text, rows(buttons))


async def set_limit(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Set the limit on the pressed button."""
    member, limit = await _member(context, args), None if args[1] == "-" else Money(int(args[1]))
    if member is not None:
        await _changed(context, member, lambda conn: members.set_limit(conn, member.team_id, member.tenant_id, limit))


async def ask_limit(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Ask for another limit, and wait for it."""
    member = await _member(context, args)
    if member is not None:
        await ask_text(context, args[0], context.t("team.ask_limit", name=as_code(member.name), most=MOST_LIMIT))


async def take_limit(context: Context, number: str, text: str) -> str | None:
    """Set the limit that was typed; return a sentence if it is not an amount."""
    usd = usd_written(text, locales.find(context.language).formats)
    try:
        limit = None if usd is None else Money.usd(usd)
    except ValueError:
        limit = None
    if limit is None or not ZERO < limit <= MOST_LIMIT:
        return context.t("team.bad_limit", most=MOST_LIMIT)
    member = await _member(context, (number,))
    if member is not None:
        await _changed(context, member, lambda conn: members.set_limit(conn, member.team_id, member.tenant_id, limit))
    return None


async def pause(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Stop the team from paying for a member, or let it pay again."""
    member, paused = await _member(context, args), args[1] == "1"
    if member is not None:
        team_id, number = member.team_id, member.tenant_id
        await _changed(context, member, lambda conn: members.set_paused(conn, team_id, number, paused))


async def ask_remove(_: Update, context: Context, args: tuple[str, ...]) -> None:
    member = await _member(context, args)
    if member is not None:
        text = context.t("team.remove_sure", name=as_code(member.name))
        await context.edit_or_reply(text, confirm(context, "removed", args[0], back="members"))


async def remove(update: Update, context: Context, args: tuple[str, ...]) -> None:
    member, now = await _member(context, args), context.services.clock.now()
    if member is None:
        return
    if await context.services.db.write(lambda conn: members.remove(conn, member.team_id, member.tenant_id, now)):
        await tell(context, member, "team.was_removed")
    await members_page(update, context, ())


async def ask_give(_: Update, context: Context, args: tuple[str, ...]) -> None:
    member = await _member(context, args)
    if member is not None:
        text = context.t("team.give_sure", name=as_code(member.name))
        await context.edit_or_reply(text, confirm(context, "given", args[0], back="members"))


async def give(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Make a member the owner of the team, and the owner an ordinary member."""
    member, state, now = await _member(context, args), await context.state(), context.services.clock.now()
    if member is None:
        return
    given = await context.services.db.write(
        lambda conn: members.give_to(conn, member.team_id, state.id, member.tenant_id, now)
    )
    if not given:
        await context.edit_or_reply(context.t("team.give_failed"), rows([press(context, "team.back", "members")]))
        return
    await tell(context, member, "team.is_yours")
    await context.edit_or_reply(context.t("team.given", name=as_code(member.name)))


async def _member(context: Context, args: tuple[str, ...]) -> TeamMember | None:
    """Return the member of the user's team whose id the button contains; if there is none, tell the user."""
    team, now = await owned_team(context), context.services.clock.now()
    if team is None:
        return None
    found = await context.services.db.read(lambda conn: members.find(conn, team.id, int(args[0]), now))
    if found is not None and not found.is_owner:
        return found
    await context.edit_or_reply(context.t("team.no_member"), rows([press(context, "team.back", "members")]))
    return None


async def _changed(context: Context, member: TeamMember, unit: Unit) -> None:
    now = context.services.clock.now()

    def change(conn: Connection) -> TeamMember | None:
        unit(conn)
        return members.find(conn, member.team_id, member.tenant_id, now)

    changed = await context.services.db.write(change)
    if changed is not None:
        await _show(context, changed)
