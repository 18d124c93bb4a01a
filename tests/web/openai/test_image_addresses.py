import pytest

from web.openai.image_addresses import is_public


@pytest.mark.parametrize(
    "url", ["https://example.org/a.png", "https://8.8.8.8/x", "https://[2606:4700::1]/x", "http://a.b.c:8080/x"]
)
def test_public_address_is_accepted(url: str) -> None:
    assert is_public(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:8080/x",
        "https://a.localhost/x",
        "https://169.254.169.254/latest",
        "https://metadata.google.internal/x",
        "https://10.1.2.3/x",
        "https://192.168.0.1/x",
        "https://[::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[fe80::1%25eth0]/x",
        "https://[2002:7f00:1::]/x",
        "http://127.1/x",
        "http://127.0.0.1\u3002/x",
        "http://\uff11\uff12\uff17.0.0.1/x",
        "https://[64:ff9b::7f00:1]/x",
        "http://2130706433/x",
        "http://0x7f000001/x",
        "http://printer/x",
        "https://user@127.0.0.1./x",
        "https://[::1/x",
        "https:///x",
        "http://169.254.169.254\\@example.org/x",
        "http://example.org\\@169.254.169.254/x",
        "http://10.0.0.1%2f@example.org/x",
        "http://name:word@example.org/x",
        "http://169.254.169.254 /x",
        "http://169.254.169.254%20.example.org/x",
        "http://example.org/a\n.png",
        "http://example.org:99999/x",
        "http://[::169.254.169.254]/x",
        "http://[::ffff:0:127.0.0.1]/x",
        "http://[64:ff9b:1::a9fe:a9fe]/x",
        "http://168.63.129.16/x",
        "http://192.0.0.192/x",
        "http://224.0.0.1/x",
        "http://localhost.localdomain/x",
        "http://kubernetes.default.svc/x",
        "http://db.lan/x",
    ],
)
def test_private_address_is_refused(url: str) -> None:
    assert not is_public(url)
