"""The Mini App data of the sandbox's people, which the app itself accepts."""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from sandbox.telegram.mini_app import init_data
from sandbox.telegram.world import ADMIN_ID, TOKEN, World
from web.miniapp.init_data import Signer, read_user


@pytest.mark.parametrize("user", [1001, 1002, ADMIN_ID])
def test_data_are_those_that_telegram_signs(user: int) -> None:
    data = init_data(World(), user)
    person = read_user(data, Signer.of(TOKEN), datetime.now(UTC))
    assert person.id == user
    assert person.language == ("vi" if user == 1002 else "en")
    assert "is_bot" not in json.loads(parse_qs(data)["user"][0])


def test_stranger_has_no_data() -> None:
    with pytest.raises(KeyError):
        init_data(World(), 1)
