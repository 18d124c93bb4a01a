"""How a team begins and how members join and leave: its name, invitations, and its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from telegram import InlineKeyboardButton, Update

from bot.buttons import rows
from bot.chat.pending_input import cancel_button, wait_for_text
from bot.context import Context
from bot.formatting.literal import as_code
from bot.teams.pages import COMMAND, confirm, limit_values, my_team, owned_team, press, show
from engine.money import Money
from storage.alerts import tenant_notices
from storage.alerts.tenant_notices import TenantNotice
from storage.database.connection import Connection
from storage.teams import invitations, members, teams
from storage.teams.members import TeamMember
from storage.teams.teams import Team, TeamBusy
from storage.tenants import tenant_settings

LIMITS = (Money.usd("1"), Money.usd("5"), Money.usd("20"), None)
INPUT = "team_input"
"""The tenant's setting: what the next text is for, `name`, or a member's number for the limit."""
NAME = "name"
WAIT = timedelta(minutes=10)
MOST_NAME_CHARS = 60


async def ask_text(context: Context, wanted: str, question: str) -> None:
    """Ask for the name of a team or the limit of a member, and wait for it."""
    state = await context.state()
    await context.services.db.write(lambda conn: tenant_settings.set_setting(conn, state.id, INPUT, wanted))
    await wait_for_text(context, COMMAND, WAIT)
    await context.reply(question, rows([cancel_button(context, COMMAND)]))


async def create(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for the name of a new team."""
    await ask_text(context, NAME, context.t("team.ask_name"))


async def take_name(context: Context, text: str) -> str | None:
    """Create a team with this name; return a sentence if the name is not possible."""
    name = " ".join(text.split())
    if not 0 < len(name) <= MOST_NAME_CHARS:
        return context.t("team.bad_name", most=MOST_NAME_CHARS)
    state, services = await context.state(), context.services
    now = services.clock.now()
    made = await services.db.write(lambda conn: teams.create(conn, state.id, name, services.free_plan, now))
    if made is None:
        await context.reply(context.t("team.in_another"))
    await show(context)
    return None


async def choose_limit(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for the limit of the person to invite."""
    if await owned_team(context) is None:
        return
    choices = [
        press(context, "team.invite_free", "link", "-")
        if limit is None
        else press(context, "team.invite_up_to", "link", limit.nanousd, usd=limit)
        for limit in LIMITS
    ]
    await context.edit_or_reply(context.t("team.invite_limit"), rows([*choices, press(context, "team.back", "open")]))


async def make_link(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Send the link of a new invitation, for the owner to forward."""
    team, now = await owned_team(context), context.services.clock.now()
    if team is None:
        return
    limit = None if args[0] == "-" else Money(int(args[0]))
    secret = await context.services.db.write(lambda conn: invitations.make(conn, team.id, limit, now))
    link = context.private_link(f"{COMMAND}_{secret}")
    share = InlineKeyboardButton(context.t("team.share"), url=f"https://t.me/share/url?url={quote(link)}")
    text = context.t("team.link", name=as_code(team.name), link=link, days=invitations.LIFE.days)
    await context.reply(text, rows([share, press(context, "team.revoke", "revoke")], width=1))


async def revoke(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Revoke the unused invitations."""
    team = await owned_team(context)
    if team is not None:
        gone = await context.services.db.write(lambda conn: invitations.revoke_all(conn, team.id))
        await context.edit_or_reply(context.t("team.revoked", n=gone))


async def show_invitation(context: Context, secret: str) -> None:
    """Show an invitation, with a button that accepts it."""
    now = context.services.clock.now()
    found = await context.services.db.read(lambda conn: invitations.find(conn, secret, now))
    if found is None:
        await context.reply(context.t("team.bad_link"))
        return
    state = await context.state(fresh=True)
    if await context.services.db.read(lambda conn: teams.of_member(conn, state.id)) is not None:
        await context.reply(context.t("team.in_another"))
        return
    limit = context.t("team.no_limit") if found.limit is None else context.written(found.limit)
    join = [press(context, "team.join", "join", secret), press(context, "button.cancel", "open")]
    await context.reply(context.t("team.invited", name=as_code(found.team.name), limit=limit), rows(join))


async def join(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Accept an invitation, and tell the owner."""
    state, now = await context.state(), context.services.clock.now()
    team = await context.services.db.write(lambda conn: invitations.accept(conn, args[0], state.id, now))
    if team is None:
        await context.edit_or_reply(context.t("team.bad_link"))
        return
    await tell_owner(context, team.id, "team.joined", as_code(state.name))
    await context.state(fresh=True)
    await show(context)


async def tell_owner(context: Context, team_id: int, key: str, name: str) -> None:
    """Tell the owner of a team about one of its members."""
    now = context.services.clock.now()
    found = await context.services.db.read(lambda conn: members.of_team(conn, team_id, now))
    owner = next((each for each in found if each.is_owner), None)
    if owner is not None:
        await tell(context, owner, key, name=name)


async def tell(context: Context, member: TeamMember, key: str, **values: object) -> None:
    """Tell a member, in the member's language."""
    if member.telegram_user_id is not None:
        await context.notifier.notify(member.telegram_user_id, key, values)


def queue_ended(conn: Connection, team: Team, people: Sequence[TeamMember], now: datetime) -> None:
    """Store a notice for each member of a dissolved team but its owner: it arrives also if this process dies."""
    values = {"name": as_code(team.name)}
    ids = [each.telegram_user_id for each in people if not each.is_owner]
    found = [TenantNotice(each, "team.was_ended", values) for each in ids if each is not None]
    tenant_notices.queue(conn, found, now)


async def ask_leave(_: Update, context: Context, __: tuple[str, ...]) -> None:
    """Ask for confirmation before a member leaves, and before the owner dissolves the team."""
    found = await my_team(context)
    if found is None:
        await show(context)
        return
    team, seat = found
    if not seat.is_owner:
        text = context.t("team.leave_sure", name=as_code(team.name), **limit_values(context, seat))
        await context.edit_or_reply(text, confirm(context, "left"))
        return
    text = context.t("team.end_sure", name=as_code(team.name), free=team.free)
    await context.edit_or_reply(text, confirm(context, "ended", team.id))


async def leave(_: Update, context: Context, __: tuple[str, ...]) -> None:
    state, now, found = await context.state(), context.services.clock.now(), await my_team(context)
    if found is not None and await context.services.db.write(lambda conn: members.leave(conn, state.id, now)):
        await tell_owner(context, found[0].id, "team.has_left", as_code(state.name))
    await context.state(fresh=True)
    await show(context)


async def end(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Dissolve the team that the question was about, and tell its members."""
    team, now = await owned_team(context), context.services.clock.now()
    if team is None or team.id != int(args[0]):
        return

    def unit(conn: Connection) -> Money:
        people, rest = members.of_team(conn, team.id, now), teams.dissolve(conn, team.id, now)
        queue_ended(conn, team, people, now)
        return rest

    try:
        rest = await context.services.db.write(unit)
    except TeamBusy:
        await context.edit_or_reply(context.t("team.busy"), rows([press(context, "team.back", "open")]))
        return
    await context.edit_or_reply(context.t("team.ended", name=as_code(team.name), usd=rest))


async def set_after(_: Update, context: Context, args: tuple[str, ...]) -> None:
    """Set whether the member's own wallet pays above the limit."""
    found, own = await my_team(context), args[0] == "1"
    if found is not None:
        seat = found[1]
        unit_of = seat.team_id, seat.tenant_id
        await context.services.db.write(lambda conn: members.set_own_after(conn, *unit_of, own))
    await show(context)
