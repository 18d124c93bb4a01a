"""Journey of an account without a name."""

from tests.journeys.conftest import ANN, Journey


async def test_account_without_a_name_is_answered(journey: Journey) -> None:
    for each in journey.sandbox.world.users.values():
        if each["id"] == ANN:
            each["first_name"] = ""
            each.pop("last_name", None)
    assert "stand-in" in await journey.ask("tell me about the sea")
    await journey.check_books()
