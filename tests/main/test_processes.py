"""What runs, and what is said of it."""

from pathlib import Path

import pytest

from main.processes import gap
from main.settings import read


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OPENAI_API_KEY": "k"}, "ADMIN_API_KEY"),
        ({"OPENAI_API_KEY": "k", "ADMIN_API_KEY": "a" * 32}, ""),
        ({"TELEGRAM_BOT_TOKEN": "1:a"}, ""),
    ],
)
def test_a_server_whose_keys_nobody_can_make_says_so(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    told = gap(read(variables, tmp_path / ".env"))
    assert (said in told) if said else told == ""
