import pytest

from bot.formatting.links import is_safe_link


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a", True),
        ("http://1.2.3.4", True),
        ("http://[::1]/", True),
        ("tg://user?id=1", True),
        ("https://localhost", False),
        ("javascript:alert(1)", False),
        ("/a", False),
        ("mailto:a@b.c", False),
        ("https://a b.c", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_link_is_safe_where_telegram_takes_it(url: str, safe: bool) -> None:
    assert is_safe_link(url) is safe
