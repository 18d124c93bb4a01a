import pytest

from engine.catalog.conversation_forecast import ConversationForecast

TENANT, OTHER, LATE = 7, 8, 10.0**7


def converse(
    forecast: ConversationForecast,
    turns: int,
    *,
    number: int,
    at: float,
    gap: float = 10.0,
    growth: int = 100,
    tenant: int | None = TENANT,
    prefix: str = "",
) -> float:
    """Answer the turns of a new conversation; return the time of the last one."""
    for turn in range(turns):
        forecast.answered(f"{prefix}{number}:0", tenant, 1000 + growth * turn, at + gap * turn)
    return at + gap * (turns - 1)


def taught(turns: int, *, conversations: int = 200, gap: float = 10.0, prefix: str = "") -> ConversationForecast:
    forecast = ConversationForecast()
    at = 0.0
    for number in range(conversations):
        at = converse(forecast, turns, number=number, at=at, gap=gap, prefix=prefix) + 5 * gap
    forecast.answered("end:0", None, 0, at + 10**5)
    forecast.answered(prefix + "end:0", None, 0, at + 10**5)
    return forecast


def test_two_further_turns_are_expected_while_nothing_was_seen() -> None:
    outlook = ConversationForecast().outlook("1:0", TENANT, LATE)
    assert outlook[:2] == pytest.approx((0.7 / 0.3, 0.7 / 0.3 / 0.3))
    assert outlook[2:] == (300.0, (1.0, 0.0, 0.0, 0.0), LATE, 1.0)


@pytest.mark.parametrize("turns", [1, 2, 4, 8])
def test_number_of_further_turns_is_learned(turns: int) -> None:
    outlook = taught(turns).outlook("new:0", None, LATE)
    assert outlook.turns == pytest.approx(turns - 1, abs=0.3 + 0.2 * turns)


def test_expected_sum_of_turns_grows_with_their_square() -> None:
    outlook = taught(2).outlook("new:0", None, LATE)
    assert outlook.turns_squared == pytest.approx(outlook.turns, rel=0.35)
    longer = taught(8).outlook("new:0", None, LATE)
    assert longer.turns_squared > 3 * longer.turns


def test_turns_so_far_change_the_expectation() -> None:
    forecast = taught(2)
    first = forecast.outlook("new:0", None, LATE).turns
    forecast.answered("new:0", None, 1000, 10**6)
    assert forecast.outlook("new:0", None, LATE).turns < first / 2


def test_front_ends_are_learned_apart() -> None:
    forecast = taught(1, prefix="http:")
    assert forecast.outlook("http:new", None, LATE).turns < 0.1
    assert forecast.outlook("1:0", None, LATE).turns > 1.5


def test_tenant_is_learned_apart_and_new_one_is_as_all() -> None:
    forecast = ConversationForecast()
    at = 0.0
    for number in range(100):
        at = converse(forecast, 1, number=number, at=at, tenant=TENANT) + 50
        at = converse(forecast, 6, number=1000 + number, at=at, tenant=OTHER) + 50
    whole = forecast.outlook("new:0", None, LATE).turns
    assert (
        forecast.outlook("new:0", TENANT, LATE).turns < whole / 2 < whole < forecast.outlook("new:0", OTHER, LATE).turns
    )
    assert forecast.outlook("new:0", 99, LATE).turns == whole


def test_growth_is_learned() -> None:
    assert taught(3).outlook("new:0", None, LATE).growth_tokens == pytest.approx(100, rel=0.05)


def test_shrinking_history_expects_no_growth() -> None:
    forecast = ConversationForecast()
    for number in range(50):
        converse(forecast, 3, number=number, at=100.0 * number, growth=-200)
    assert forecast.outlook("new:0", None, LATE).growth_tokens == 0


def test_gaps_are_learned() -> None:
    gaps = taught(3, gap=1000.0).outlook("new:0", None, LATE).gaps
    assert sum(gaps) == pytest.approx(1)
    assert gaps[2] > 0.9


def test_gaps_of_the_conversation_itself_outweigh_the_usual_ones() -> None:
    forecast = taught(3)
    converse(forecast, 9, number=10**6, at=10**6, gap=1000.0)
    assert forecast.outlook(f"{10**6}:0", None, LATE).gaps[2] > 0.7


def test_turns_still_within_the_usual_wait_count_in_part() -> None:
    forecast = taught(2)
    for number in range(1000):
        forecast.answered(f"more{number}:0", None, 100, 10**6)
    at_once, later = (forecast.outlook("new:0", None, 10**6 + seconds).turns for seconds in (0, 1000))
    assert at_once > 2 * later


def test_chances_are_right_while_conversations_are_under_way() -> None:
    forecast = ConversationForecast()
    events = [(number + 30.0 * turn, number) for number in range(400) for turn in range(4)]
    for at, number in sorted(events):
        if at <= 300:
            forecast.answered(f"{number}:0", None, 100, at)
    assert forecast.outlook("new:0", None, 300).turns == pytest.approx(3, abs=1)


def test_expectation_has_an_upper_bound() -> None:
    assert converse(forecast := ConversationForecast(), 3000, number=1, at=0) > 0
    assert forecast.outlook("1:0", None, LATE).turns == pytest.approx(19)


def test_share_of_the_prompt_that_the_next_one_begins_with_is_learned() -> None:
    """Clients change their system prompts or drop old turns: then no provider can have the next prompt cached."""
    forecast = ConversationForecast()
    for number in range(20):
        for kept in (None, 0.1, 0.1):
            forecast.answered(f"{number}:0", TENANT, 1000, number, kept)
            forecast.answered(f"o{number}:0", OTHER, 1000, number, None if kept is None else 1.0)
    changing, constant = (forecast.outlook("new:0", tenant, 20).kept for tenant in (TENANT, OTHER))
    assert changing < 0.2
    assert constant > 0.9
    assert forecast.outlook("new:0", 99, 20).kept == pytest.approx(0.55, abs=0.05)
    for _ in range(5):
        forecast.answered("late:0", TENANT, 1000, 21, 1.0)
    assert forecast.outlook("late:0", TENANT, 22).kept > 0.7
    assert forecast.outlook("new:0", TENANT, 22).kept < 0.4
