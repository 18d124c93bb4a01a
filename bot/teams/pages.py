"""The first page of /team: for people without a team, for members and for the owner."""

from datetime import date, datetime

from telegram import InlineKeyboardButton, InlineKeyboardMarkup

from bot.buttons import button, rows
from bot.context import Context
from bot.formatting.literal import as_code
from engine.money import ZERO, Money
from storage.database.connection import Connection
from storage.ledger import shares
from storage.teams import members, teams
from storage.teams.members import TeamMember
from storage.teams.teams import Team

COMMAND = "team"


def press(context: Context, label: str, action: str, *args: object, **values: object) -> InlineKeyboardButton:
    """Return a button of /team for this user, with the text `label` of the locales."""
    return button(context.t(label, **values), COMMAND, action, *args, owner=context.user.id)


def confirm(context: Context, action: str, *args: object, back: str = "open") -> InlineKeyboardMarkup:
    """Return the buttons that confirm or cancel."""
    return rows([press(context, "team.yes", action, *args), press(context, "button.cancel", back)])


async def my_team(context: Context) -> tuple[Team, TeamMember] | None:
    """Return the user's team, and the user's membership in it."""
    state, now = await context.state(), context.services.clock.now()

    def unit(conn: Connection) -> tuple[Team, TeamMember] | None:
        team = teams.of_member(conn, state.id)
        seat = None if team is None else members.find(conn, team.id, state.id, now)
        return None if team is None or seat is None else (team, seat)

    return await context.services.db.read(unit)


async def owned_team(context: Context) -> Team | None:
    """Return the team that the user owns; if there is none, tell the user."""
    found = await my_team(context)
    if found is not None and found[1].is_owner:
        return found[0]
    await context.edit_or_reply(context.t("team.not_owner"))
    return None


async def show(context: Context) -> None:
    """Replace the message with the pressed button by the page, or send the page."""
    state, services = await context.state(), context.services
    await services.db.write(lambda conn: teams.sweep(conn, state.id, services.clock.now()))
    await context.edit_or_reply(*await page(context))


async def page(context: Context) -> tuple[str, InlineKeyboardMarkup]:
    found = await my_team(context)
    if found is None:
        return context.t("team.none"), rows([press(context, "team.create", "create")])
    team, seat = found
    return await (_owners_page(context, team) if seat.is_owner else _members_page(context, team, seat))


async def _owners_page(context: Context, team: Team) -> tuple[str, InlineKeyboardMarkup]:
    services, now = context.services, context.services.clock.now()

    def unit(conn: Connection) -> tuple[int, Money]:
        used = shares.by_member(conn, team.id, month_of(now), now.date())
        return len(members.of_team(conn, team.id, now)), sum((each.worth for each in used), ZERO)

    count, used = await services.db.read(unit)
    text = context.t("team.page", name=as_code(team.name), free=team.free, used=used, n=count)
    if team.allowance_left_tokens or team.plan != services.free_plan.name:
        text += context.t("team.plan_line", plan=team.plan, left=team.allowance_left_tokens, renews=team.renews_at)
    actions = ("invite", "members", "money", "plans", "report", "invoices", "leave")
    labels = ("team.invite", "team.members", "team.money", "team.plans", "team.report", "team.invoices", "team.end")
    return text, rows([press(context, label, action) for label, action in zip(labels, actions, strict=True)])


async def _members_page(context: Context, team: Team, seat: TeamMember) -> tuple[str, InlineKeyboardMarkup]:
    now = context.services.clock.now()
    owner = next(
        each
        for each in await context.services.db.read(lambda conn: members.of_team(conn, team.id, now))
        if each.is_owner
    )
    text = context.t("team.seat", name=as_code(team.name), owner=as_code(owner.name), **limit_values(context, seat))
    if seat.paused:
        text += context.t("team.seat_paused")
    else:
        text += context.t("team.seat_own" if seat.own_after else "team.seat_only")
    switch = press(context, "team.only_team" if seat.own_after else "team.own_too", "after", int(not seat.own_after))
    return text, rows([switch, press(context, "team.leave", "leave")])


def limit_values(context: Context, seat: TeamMember) -> dict[str, object]:
    """Return the values for a text about a member's use and limit."""
    limit = context.t("team.no_limit") if seat.limit is None else context.written(seat.limit)
    return {"used": seat.used, "limit": limit}


def month_of(now: datetime) -> date:
    """Return the first day of the month."""
    return now.date().replace(day=1)
