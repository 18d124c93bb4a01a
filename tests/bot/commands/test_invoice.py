"""/invoice: months with their PDF and CSV."""

import pytest

from storage.database.connection import Connection
from storage.invoices import addresses
from storage.invoices.addresses import InvoiceAddress
from storage.operations import personal_data
from tests.bot.commands.conftest import ANN, BAO, Chat
from tests.storage.invoiced import damage, two_months


async def invoiced(chat: Chat) -> None:
    """Issue an invoice for October to Ann."""

    def unit(conn: Connection) -> None:
        owner = two_months(conn)
        conn.run("UPDATE tenants SET telegram_user_id = :user WHERE id = :id", user=ANN, id=owner)

    await chat.write(unit)


async def test_no_invoice_is_explained(chat: Chat) -> None:
    assert "No invoices yet" in await chat.say("/invoice")
    assert [label for label, _ in chat.buttons()] == ["🏢 Name and address"]


async def test_each_past_month_has_a_button(chat: Chat) -> None:
    await invoiced(chat)
    assert "choose a month" in await chat.say("/invoice")
    assert [label.partition(" · ")[0] for label, _ in chat.buttons()] == ["Oct 2026", "🏢 Name and address"]


async def test_button_sends_the_pdf_and_the_csv(chat: Chat) -> None:
    await invoiced(chat)
    await chat.say("/invoice")
    calls = await chat.press_data(chat.button("Oct 2026"))
    files = [(name, data) for call in calls if call.method == "sendDocument" for name, data in call.files.items()]
    (pdf, content), (sheet, table) = files
    assert (pdf.endswith(".pdf"), sheet.endswith(".csv")) == (True, True)
    assert content.startswith(b"%PDF")
    assert table.startswith(b"invoice,day,kind")
    assert f"Invoice {pdf.removesuffix('.pdf')} for Oct 2026" in [call.text for call in calls]


async def test_invoice_of_another_tenant_is_not_sent(chat: Chat) -> None:
    await invoiced(chat)
    await chat.say("/invoice")
    number = chat.button("Oct 2026").split(":")[2]
    calls = await chat.press_data(f"invoice:pdf:{number}:{BAO}", BAO)
    assert "No invoices yet" in "".join(call.text for call in calls)
    assert not [call for call in calls if call.method == "sendDocument"]


async def test_unknown_invoice_is_not_sent(chat: Chat) -> None:
    calls = await chat.press_data(f"invoice:pdf:77:{ANN}")
    assert "No invoices yet" in "".join(call.text for call in calls)


async def test_books_that_disagree_are_logged_and_make_no_invoice(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    await invoiced(chat)
    await chat.write(lambda conn: damage(conn, "DELETE FROM attempts WHERE request_id = 'r2'"))
    assert "No invoices yet" in await chat.say("/invoice")
    assert "an invoice could not be made" in caplog.text


async def test_address_is_asked_for_shown_and_printed(chat: Chat) -> None:
    await chat.say("/invoice")
    assert "show your name in Telegram" in await chat.press("Name and address")
    assert "Send me the lines for your invoices" in await chat.press("Change")
    assert "Ann Ltd\n1 High St\nGB 12" in await chat.say("Ann Ltd\n1 High St\nTax ID: GB 12")
    assert addresses.of_settings((await chat.state()).settings) == InvoiceAddress("Ann Ltd", "1 High St", "GB 12")
    await chat.say("/invoice")
    assert "made out to\nAnn Ltd" in await chat.press("Name and address")
    assert "show your name in Telegram" in await chat.press("Clear")
    assert addresses.of_settings((await chat.state()).settings) is None


async def test_address_that_is_too_long_is_asked_for_again(chat: Chat) -> None:
    await chat.say("/invoice")
    await chat.press("Name and address")
    await chat.press("Change")
    assert "at most 5 lines of address" in await chat.say("a" * 101)
    assert "show your name in Telegram" in await chat.press("Cancel")
    assert addresses.of_settings((await chat.state()).settings) is None


async def test_address_is_exported_and_forgotten(chat: Chat) -> None:
    await chat.say("/start")
    await chat.write(lambda conn: addresses.store(conn, 1, InvoiceAddress("Ann Ltd", "Leeds")))
    exported = await chat.read(lambda conn: personal_data.export(conn, 1, chat.clock.now()))
    assert exported["account"]["settings"]["invoice_address"]["address"] == "Leeds"
    await chat.write(lambda conn: personal_data.forget(conn, 1, ANN, chat.clock.now()))
    assert addresses.of_settings((await chat.state()).settings) is None


@pytest.mark.parametrize("word", ["2026-10", "10/2026", "10.2026", "2026.10"])
async def test_month_after_the_command_sends_its_invoice(chat: Chat, word: str) -> None:
    await invoiced(chat)
    assert [call.method for call in await chat.send(f"/invoice {word}")] == ["sendDocument", "sendDocument"]


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("2024-02", "There is no invoice for Feb 2024."),
        ("2026-13", "takes a month"),
        ("10", "takes a month"),
        ("last", "takes a month"),
    ],
)
async def test_other_words_get_a_sentence(chat: Chat, word: str, answer: str) -> None:
    await invoiced(chat)
    assert answer in await chat.say(f"/invoice {word}")
