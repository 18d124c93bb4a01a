"""The commands' rules for groups."""

import pytest
from telegram import Update

from bot.command import Command
from bot.context import Context


async def run(_: Update, __: Context) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("private_only", "admin", "named", "works"),
    [
        (True, False, frozenset(), False),
        (False, False, frozenset(), True),
        (False, True, frozenset(), False),
        (True, False, frozenset({"open"}), True),
        (True, True, frozenset({"open"}), True),
        (True, False, frozenset({"other"}), False),
    ],
)
def test_buttons_of_private_commands_show_nothing_in_groups(
    private_only: bool, admin: bool, named: frozenset[str], works: bool
) -> None:
    command = Command("x", run, 1, admin=admin, private_only=private_only, group_buttons=named)
    assert command.works_in_groups("open") is works
