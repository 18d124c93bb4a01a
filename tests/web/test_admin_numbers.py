"""Numbers and dates beyond what a database or a calendar holds."""

import pytest

from tests.web.conftest import ADMIN_KEY, Face

HUGE = "9" * 30


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/admin/tenants?cursor={HUGE}", 400),
        ("GET", f"/admin/tenants?telegram_user_id={HUGE}", 400),
        ("GET", f"/admin/invoices?cursor={HUGE}", 400),
        ("DELETE", f"/admin/tenants/1/keys/{HUGE}", 404),
        ("DELETE", "/admin/tenants/1/keys/²", 404),
        ("GET", "/admin/tenants/²", 404),
        ("GET", "/admin/margin?from=9999-12-31&to=9999-12-31", 400),
        ("GET", "/admin/usage?to=9999-12-31", 400),
        ("GET", "/admin/usage?from=0001-01-01&to=9999-12-30", 200),
    ],
)
async def test_an_impossible_number_is_said_to_be_one(face: Face, method: str, path: str, status: int) -> None:
    async with face.http(ADMIN_KEY) as admin:
        assert (await admin.request(method, path)).status_code == status
