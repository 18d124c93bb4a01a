"""The signature of initData: every change of the signed data is refused."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.web.miniapp.conftest import ANN, TOKEN, signed
from web.errors import HttpProblem
from web.miniapp.init_data import NOT_SIGNED, TOO_OLD, Person, read_user, secret_key

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = secret_key(TOKEN)


def refused(init_data: str, secret: bytes = SECRET) -> str | None:
    with pytest.raises(HttpProblem) as caught:
        read_user(init_data, secret, NOW)
    assert caught.value.status == 401
    assert caught.value.headers()["www-authenticate"] == "tma"
    return caught.value.code


def changed(**fields: str) -> str:
    return urlencode({**dict(parse_qsl(signed(ANN, at=NOW))), **fields})


def test_signed_user_is_returned() -> None:
    assert read_user(signed(ANN, at=NOW, language="vi"), SECRET, NOW) == Person(ANN, "vi")


def test_the_order_of_the_fields_does_not_matter_and_unknown_ones_are_signed_too() -> None:
    pairs = parse_qsl(signed(ANN, at=NOW, start_param="x y&z=ü"))
    assert read_user(urlencode(pairs[::-1]), SECRET, NOW).id == ANN


@pytest.mark.parametrize(
    "init_data",
    [
        "",
        "hash=",
        "user=%7B%22id%22%3A1001%7D",
        changed(user='{"id": 9001}'),
        changed(auth_date=str(int(NOW.timestamp()) + 1)),
        changed(hash="0" * 64),
        changed(hash="ü"),
        changed(signature="another"),
        changed(more="field"),
        signed(ANN, at=NOW) + "&user=%7B%22id%22%3A9001%7D",
        signed(ANN, at=NOW).replace("query_id=AAH&", ""),
        "x=1&" * 100 + signed(ANN, at=NOW),
        signed(ANN, at=NOW, start_param="x" * 9000),
    ],
)
def test_changed_data_is_refused(init_data: str) -> None:
    assert refused(init_data) == "invalid_init_data"


def test_data_signed_for_another_bot_is_refused() -> None:
    assert refused(signed(ANN, "424242:another-token", NOW)) == "invalid_init_data"


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(hours=24, seconds=1), "init_data_expired"),
        (timedelta(hours=24), None),
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, seconds=-1), "init_data_expired"),
    ],
)
def test_data_are_valid_for_a_day_and_not_from_the_future(age: timedelta, code: str | None) -> None:
    init_data = signed(ANN, at=NOW - age)
    if code:
        assert refused(init_data) == code
    else:
        assert read_user(init_data, SECRET, NOW).id == ANN


@pytest.mark.parametrize("auth_date", ["", "yesterday", "9" * 30])
def test_signed_but_invalid_time_is_refused(auth_date: str) -> None:
    assert refused(signed(ANN, auth_date=auth_date)) == "invalid_init_data"


@pytest.mark.parametrize(
    "user", ["", "null", "[]", '"x"', "{}", '{"id": null}', '{"id": "x"}', '{"id": 1e999}', "[" * 3000]
)
def test_signed_but_invalid_user_is_refused(user: str) -> None:
    assert refused(signed(ANN, at=NOW, user=user)) == "invalid_init_data"


def test_refusals_leave_no_traceback_on_the_constants() -> None:
    refused("")
    refused(signed(ANN, at=NOW - timedelta(days=2)))
    assert NOT_SIGNED.__traceback__ is None
    assert TOO_OLD.__traceback__ is None
