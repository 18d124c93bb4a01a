"""The short form of a name that may be too long for a button."""

from bot.operators.confirming import short_of


def test_names_have_short_forms_of_their_own() -> None:
    names = ["pro", "Pro", "a plan whose name is far too long for the data of a button of Telegram"]
    assert len({short_of(name) for name in names}) == len(names)
    assert {len(short_of(name)) for name in names} == {16}
