import pytest

from engine.errors import BadRequest
from web.openai.fields import Fields


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True, "1"])
def test_what_is_no_number_in_its_bounds_is_named(value: object) -> None:
    with pytest.raises(BadRequest, match="temperature"):
        Fields({"temperature": value}).number("temperature", 0, 2)
