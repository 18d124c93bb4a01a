"""The signature of initData: every change of the signed data is refused."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from sandbox.telegram.world import TOKEN
from tests.web.miniapp.conftest import ANN, signed
from web.errors import HttpProblem
from web.miniapp.init_data import NOT_SIGNED, PRODUCTION_KEY, TEST_KEY, TOO_OLD, Person, Signer, read_user

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIGNER = Signer.of(TOKEN)

REAL = (
    "user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%20%2B%20-%20%3F%20%5C%2F%22%2C%22last_name%22%3A%22"
    "Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22%3A%22ru%22%2C%22is_premium%22%3Atrue%2C%22"
    "allows_write_to_pm%22%3Atrue%2C%22photo_url%22%3A%22https%3A%5C%2F%5C%2Ft.me%5C%2Fi%5C%2Fuserpic%5C%2F320%5C%2F"
    "4FPEE4tmP3ATHa57u6MqTDih13LTOiMoKoLDRG4PnSA.svg%22%7D&chat_instance=8134722200314281151&chat_type=private"
    "&auth_date=1733584787&signature=zL-ucjNyREiHDE8aihFwpfR9aggP2xiAo3NSpfe-p7IbCisNlDKlo7Kb6G4D0Ao2mBrSgEk4maLSdv6M"
    "LIlADQ&hash=2174df5b000556d044f3f020384e879c8efcab55ddea2ced4eb752e93e7080d6"
)
"""The example that the libraries for Mini Apps publish: signed by Telegram, with both signatures."""
REAL_TOKEN, REAL_TIME = "7342037359:AAFZehRPBRs8Seg40oDjTMIW8uTGPuW1zfQ", datetime.fromtimestamp(1733584787, UTC)
OTHER_TOKEN = "7342037359:AAof-the-same-bot"
"""With it the HMAC is wrong, so that only the signature by Telegram's key counts."""


def refused(init_data: str, signer: Signer = SIGNER, now: datetime = NOW) -> str | None:
    with pytest.raises(HttpProblem) as caught:
        read_user(init_data, signer, now)
    assert caught.value.status == 401
    assert caught.value.headers()["www-authenticate"] == "tma"
    return caught.value.code


def changed(**fields: str) -> str:
    return urlencode({**dict(parse_qsl(signed(ANN, at=NOW))), **fields})


def test_signed_user_is_returned() -> None:
    assert read_user(signed(ANN, at=NOW, language="vi"), SIGNER, NOW) == Person(ANN, "vi", NOW)


def test_the_order_of_the_fields_does_not_matter_and_unknown_ones_are_signed_too() -> None:
    pairs = parse_qsl(signed(ANN, at=NOW, start_param="x y&z=ü"))
    assert read_user(urlencode(pairs[::-1]), SIGNER, NOW).id == ANN


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
        (timedelta(hours=1, seconds=1), "init_data_expired"),
        (timedelta(hours=1), None),
        (timedelta(minutes=-5), None),
        (timedelta(minutes=-5, seconds=-1), "init_data_expired"),
    ],
)
def test_data_are_valid_for_an_hour_and_not_from_the_future(age: timedelta, code: str | None) -> None:
    init_data = signed(ANN, at=NOW - age)
    if code:
        assert refused(init_data) == code
    else:
        assert read_user(init_data, SIGNER, NOW).id == ANN


@pytest.mark.parametrize("auth_date", ["", "yesterday", "9" * 30])
def test_signed_but_invalid_time_is_refused(auth_date: str) -> None:
    assert refused(signed(ANN, auth_date=auth_date)) == "invalid_init_data"


@pytest.mark.parametrize(
    "user",
    [
        "",
        "null",
        "[]",
        '"x"',
        "{}",
        '{"id": 0}',
        '{"id": -5}',
        '{"id": 99999999999999999999}',
        '{"id": null}',
        '{"id": "x"}',
        '{"id": 1e999}',
        "[" * 3000,
    ],
)
def test_signed_but_invalid_user_is_refused(user: str) -> None:
    assert refused(signed(ANN, at=NOW, user=user)) == "invalid_init_data"


def test_refusals_leave_no_traceback_on_the_constants() -> None:
    refused("")
    refused(signed(ANN, at=NOW - timedelta(days=2)))
    assert NOT_SIGNED.__traceback__ is None
    assert TOO_OLD.__traceback__ is None


@pytest.mark.parametrize("token", [REAL_TOKEN, OTHER_TOKEN])
def test_both_of_telegrams_signatures_are_accepted(token: str) -> None:
    assert read_user(REAL, Signer.of(token), REAL_TIME) == Person(279058397, "ru", REAL_TIME)
    without_hash = REAL[: REAL.index("&hash=")]
    assert read_user(without_hash, Signer.of(token), REAL_TIME).id == 279058397


def real(**fields: str) -> str:
    return urlencode({**dict(parse_qsl(REAL)), **fields})


@pytest.mark.parametrize(
    "init_data",
    [
        real(user='{"id": 9001}'),
        real(auth_date="1733584788"),
        real(chat_type="group"),
        real(more="field"),
        real(signature=""),
        real(signature="zL"),
        real(signature="A" * 86),
        real(signature="zM" + dict(parse_qsl(REAL))["signature"][2:]),
        real(signature=dict(parse_qsl(REAL))["signature"] + "AA"),
        real(signature="ü" * 86),
        REAL.replace("&signature=", "&Signature="),
        REAL.replace("&chat_type=private", ""),
        REAL + "&signature=AA",
    ],
)
def test_changed_data_is_refused_by_the_public_key_too(init_data: str) -> None:
    assert refused(init_data, Signer.of(OTHER_TOKEN), REAL_TIME) == "invalid_init_data"


def test_signature_for_another_bot_or_environment_is_refused() -> None:
    assert refused(REAL, Signer.of("7342037358:AAx"), REAL_TIME) == "invalid_init_data"
    assert refused(REAL, Signer.of(f"{OTHER_TOKEN}/test"), REAL_TIME) == "invalid_init_data"
    assert refused(REAL, Signer.of(OTHER_TOKEN), REAL_TIME + timedelta(hours=2)) == "init_data_expired"


def test_token_of_the_test_environment_has_its_own_public_key() -> None:
    assert Signer.of(TOKEN).public_key == PRODUCTION_KEY
    test = Signer.of(f"{TOKEN}/test")
    assert (test.public_key, test.secret, test.bot_id) == (TEST_KEY, SIGNER.secret, "424242")
