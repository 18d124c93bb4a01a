"""The Mini App's page and files, and the description of its routes."""

import re
from datetime import UTC, datetime, timedelta

from tests.web.conftest import RunningApi
from tests.web.miniapp.conftest import OLGA, Mini
from tests.web.miniapp.payments.conftest import Shop, shop

__all__ = ["shop"]


async def test_page_allows_no_foreign_script_but_telegrams(mini: Mini) -> None:
    async with mini.http(None) as http:
        page = await http.get("/app")
        assert page.headers["content-type"].startswith("text/html")
        policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self' https://telegram.org/js/telegram-web-app.js"
        assert policy["connect-src"] == policy["style-src"] == "'self'"
        assert "unsafe" not in page.headers["content-security-policy"]
        for name in ("app.css", "app.js"):
            part = await http.get(f"/app/page/{name}")
            assert (part.status_code, part.headers["x-content-type-options"]) == (200, "nosniff")
            assert f'"app/page/{name}"' in page.text
        texts = await http.get("/app/page/texts.js")
        assert texts.headers["content-type"].startswith("text/javascript")
        assert texts.headers["content-security-policy"] == page.headers["content-security-policy"]
        assert "Tài khoản số" not in texts.text
        assert "Chi tiêu" in texts.text
        for name in ("nothing.js", "..%2Froutes.py", "routes.py"):
            assert (await http.get(f"/app/page/{name}")).status_code == 404


async def test_every_path_is_described_truthfully(shop: Shop) -> None:
    mini, soon = shop.mini, datetime.now(UTC) + timedelta(minutes=1)  # also valid after DELETE /app/sessions
    async with mini.http(None) as nobody, mini.http(OLGA, at=soon) as olga:
        described = (await nobody.get("/openapi.json")).json()
        paths = {path: found for path, found in described["paths"].items() if path.startswith("/app")}
        assert len(paths) == 29
        assert described["components"]["securitySchemes"]["telegram"]["scheme"] == "tma"
        for path, operations in paths.items():
            filled = path.replace("/page/{name}", "/page/app.js").replace("{invoice_id}", "F-1")
            filled = re.sub(r"\{\w+\}", "999", filled)
            for method, operation in operations.items():
                answer = await olga.request(method, filled, json={} if "requestBody" in operation else None)
                assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
                assert "422" not in operation["responses"]
                assert operation["summary"]
                if "401" in operation["responses"]:
                    schemes = [name for each in operation["security"] for name in each]
                    assert schemes == (["telegram"] if path == "/app/session" else ["telegram", "session"])
                    assert (await nobody.request(method, filled)).status_code == 401
                else:
                    assert "security" not in operation


async def test_without_a_bot_the_app_does_not_exist(api: RunningApi) -> None:
    async with api.http("") as http:
        assert (await http.get("/app")).status_code == 404
        assert (await http.get("/app/account")).status_code == 404
