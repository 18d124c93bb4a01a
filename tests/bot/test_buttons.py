import pytest
from telegram import InlineKeyboardButton, MessageEntity, TelegramObject, User, WebAppInfo

from bot.buttons import MOST_DATA_BYTES, PressedButton, button, plain, plain_keyboard, read, rows


def test_callback_data_is_read_back() -> None:
    made = button("Pay", "topup", "pay", 5, "x", owner=1001)
    assert read(str(made.callback_data)) == PressedButton("topup", "pay", ("5", "x"), 1001)


@pytest.mark.parametrize("data", ["", "topup", "topup:pay", "topup:pay:ann", "topup:pay:-5", "topup:pay:"])
def test_foreign_callback_data_is_no_button(data: str) -> None:
    assert read(data) is None


def test_data_of_the_longest_allowed_size_fits_and_longer_data_is_an_error() -> None:
    spare = MOST_DATA_BYTES - len("a:b::1")
    assert len(str(button("x", "a", "b", "c" * spare, owner=1).callback_data)) == MOST_DATA_BYTES
    with pytest.raises(ValueError, match="over 64 bytes"):
        button("x", "a", "b", "c" * (spare + 1), owner=1)


def test_size_is_counted_in_bytes() -> None:
    with pytest.raises(ValueError, match="over 64 bytes"):
        button("x", "a", "b", "é" * 30, owner=1)


def test_buttons_are_laid_out_in_rows() -> None:
    made = [button(str(number), "a", "b", owner=1) for number in range(5)]
    assert [[each.text for each in row] for row in rows(made).inline_keyboard] == [["0", "1"], ["2", "3"], ["4"]]
    assert [len(row) for row in rows(made, width=3).inline_keyboard] == [3, 2]


@pytest.mark.parametrize(
    "made",
    [
        InlineKeyboardButton("Again", callback_data="ask:again:1:7"),
        InlineKeyboardButton("Open", url="https://example.org/?a=1"),
        InlineKeyboardButton("Open", web_app=WebAppInfo("https://example.org/app")),
        InlineKeyboardButton("Stop", callback_data="x:y:0", api_kwargs={"style": "danger"}),
        MessageEntity(MessageEntity.PRE, 0, 12, language="python"),
        MessageEntity(MessageEntity.TEXT_LINK, 3, 4, url="https://example.org"),
        MessageEntity(MessageEntity.TEXT_MENTION, 3, 4, user=User(7, "Ann", is_bot=False)),
    ],
)
def test_plain_values_are_those_of_ptb(made: TelegramObject) -> None:
    assert plain(made) == made.to_dict()


def test_plain_keyboard_is_that_of_ptb() -> None:
    keyboard = rows([button(name, "ask", name, owner=7) for name in ("one", "two", "three")])
    assert plain_keyboard(keyboard) == keyboard.to_dict()
