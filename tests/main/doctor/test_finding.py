"""The lines of `doctor`."""

from main.doctor.finding import fault, fine, warning


def test_fault_has_its_advice_below() -> None:
    assert fault("disk", "is full", "make room").line() == "FAULT  disk: is full\n       → make room"


def test_levels_are_aligned() -> None:
    assert [fine("a", "b").line(), warning("a", "b", "c").line().splitlines()[0]] == ["   ok  a: b", "    !  a: b"]
