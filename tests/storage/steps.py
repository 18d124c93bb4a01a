"""Random steps of the state machine that tests the ledger."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.storage.process import Fate


@dataclass(frozen=True)
class Step:
    """One operation with all values that any operation may need, so that all operations are drawn equally often."""

    operation: str
    who: int
    number: int
    epoch: int
    size: int
    tokens: int
    nanousd: int
    flat: bool
    keyed: bool
    fate: Fate
    cancel: int | None


OPERATIONS = ("hold",) * 6 + ("rush",) * 3 + ("answer",) * 5 + ("answers",) * 3 + ("leave",) * 2 + ("credit",) * 3 + (
    "refund", "change_plan", "limit_key", "expire", "kill", "advance_a_week")  # fmt: skip
steps = st.builds(
    Step,
    operation=st.sampled_from(OPERATIONS),
    who=st.integers(0, 1),
    number=st.integers(0, 3),
    epoch=st.integers(1, 3),
    size=st.sampled_from([100, 10, 350, 800]),
    tokens=st.sampled_from([120, 0, 5, 400, 5000]),
    nanousd=st.sampled_from([1_000_000, 3_000_000, 20_000_000, 400_000, 7]),
    flat=st.booleans(),
    keyed=st.booleans(),
    fate=st.sampled_from([Fate.LIVES] * 18 + [Fate.DIES_BEFORE, Fate.DIES_AFTER]),
    cancel=st.sampled_from([None] * 30 + [0, 1, 2, 3, 4, 6]),
)
