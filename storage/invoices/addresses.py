"""The name, address and tax id that a tenant wants on invoices: a setting, printed on each copy from then on."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from storage.database.connection import Connection
from storage.tenants import tenant_settings

SETTING = "invoice_address"
MOST_LINES, MOST_CHARS = 6, 100
_TAX_ID = re.compile(
    r"(?:tax\s*(?:id|no\.?|number)|vat(?:\s*(?:id|no\.?|number))?|tin|ust-?id(?:nr\.?)?|mst|mã\s+số\s+thuế)\s*[:.]?\s+(\S.*)",
    re.IGNORECASE,
)
"""The line of a tax id, by the words that people write before it."""


@dataclass(frozen=True, slots=True)
class InvoiceAddress:
    """The customer of an invoice. `address` has lines."""

    name: str
    address: str = ""
    tax_id: str = ""

    @property
    def lines(self) -> list[str]:
        return [self.name, *self.address.splitlines(), *filter(None, [self.tax_id])]


def of_settings(settings: Mapping[str, object]) -> InvoiceAddress | None:
    found = settings.get(SETTING)
    return InvoiceAddress(**found) if isinstance(found, dict) else None


def from_text(text: str) -> InvoiceAddress | None:
    """Return the address in a text: the name in the first line, a tax id in the last. None if it is too long."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    tax = _TAX_ID.fullmatch(lines[-1]) if len(lines) > 1 else None
    rest = lines[:-1] if tax else lines
    if not rest or len(rest) > MOST_LINES or any(len(line) > MOST_CHARS for line in lines):
        return None
    return InvoiceAddress(rest[0], "\n".join(rest[1:]), tax[1] if tax else "")


def store(conn: Connection, tenant_id: int, address: InvoiceAddress | None) -> None:
    """Store the address, or delete it (None)."""
    tenant_settings.set_setting(conn, tenant_id, SETTING, asdict(address) if address else None)
