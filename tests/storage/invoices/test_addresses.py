"""Addresses for invoices in the forms that people write."""

import pytest

from storage.database.connection import Connection
from storage.database.database import Database
from storage.invoices import addresses
from storage.invoices.addresses import MOST_CHARS, MOST_LINES, InvoiceAddress, from_text
from storage.tenants import tenants
from tests.storage.books import tenant


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann", InvoiceAddress("Ann")),
        ("Ann Ltd\n1  High St\n\n Leeds ", InvoiceAddress("Ann Ltd", "1 High St\nLeeds")),
        ("Ann\nLeeds\nTax ID: GB 12", InvoiceAddress("Ann", "Leeds", "GB 12")),
        ("Ann\nvat no. 12", InvoiceAddress("Ann", "", "12")),
        ("Công ty A\nHà Nội\nMST: 0101234567-001", InvoiceAddress("Công ty A", "Hà Nội", "0101234567-001")),
        ("Công ty A\nMã số thuế 0101", InvoiceAddress("Công ty A", "", "0101")),
        ("Anna\nUSt-IdNr. DE123", InvoiceAddress("Anna", "", "DE123")),
        ("MST: 0101", InvoiceAddress("MST: 0101")),
        ("Tina\nTina Street 5", InvoiceAddress("Tina", "Tina Street 5")),
    ],
)
def test_text_is_name_address_and_tax_id(text: str, address: InvoiceAddress) -> None:
    assert from_text(text) == address


@pytest.mark.parametrize("text", ["", " \n ", "a\n" * (MOST_LINES + 1), "a" * (MOST_CHARS + 1), "Ann\n" + "b" * 101])
def test_text_that_is_empty_or_too_long_is_no_address(text: str) -> None:
    assert from_text(text) is None


async def test_address_is_kept_until_it_is_deleted(db: Database) -> None:
    wanted = InvoiceAddress("Ann", "Leeds", "GB 12")

    def stored(conn: Connection, address: InvoiceAddress | None) -> InvoiceAddress | None:
        addresses.store(conn, 1, address)
        found = tenants.state(conn, 1)
        assert found is not None
        return addresses.of_settings(found.settings)

    await db.write(tenant)
    assert await db.write(lambda conn: stored(conn, wanted)) == wanted
    assert await db.write(lambda conn: stored(conn, None)) is None
    assert wanted.lines == ["Ann", "Leeds", "GB 12"]
