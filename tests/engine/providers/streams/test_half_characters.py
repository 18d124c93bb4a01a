from engine.providers.streams.openai_choice import is_half, joined


def test_only_first_halves_are_halves() -> None:
    assert [is_half(each) for each in ("\ud7ff", "\ud800", "\udbff", "\udc00", "\ue000", "a")] == [
        False, True, True, False, False, False,
    ]  # fmt: skip


def test_halves_become_one_character() -> None:
    assert joined("\ud83d", "\ude00!") == "\U0001f600!"
    assert joined("\ud83d", "\udfff") == "\U0001f7ff"


def test_half_without_the_other_one_stays() -> None:
    assert joined("", "\ude00") == "\ude00"
    assert joined("\ud83d", "!") == "\ud83d!"
    assert joined("\ud83d", "\udbff") == "\ud83d\udbff"
