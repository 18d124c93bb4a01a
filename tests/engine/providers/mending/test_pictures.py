"""Pictures in the form that clients write, and in the form that providers accept."""

import base64

import pytest

from engine.chat import ChatRequest, Image, Message, Role
from engine.errors import CapabilityMissing
from engine.providers.mending.pictures import (
    COMMON_TYPES,
    GIF,
    HEIC,
    HEIF,
    JPEG,
    PNG,
    WEBP,
    PictureRules,
    check_number,
    checked_picture,
    data_url,
)
from tests.engine.providers.dialects.wires import Wire

HEADS = {
    PNG: b"\x89PNG\r\n\x1a\n" + bytes(40),
    JPEG: b"\xff\xd8\xff\xe0" + bytes(40),
    GIF: b"GIF89a" + bytes(40),
    WEBP: b"RIFF\x00\x00\x00\x00WEBP" + bytes(40),
    HEIC: b"\x00\x00\x00\x18ftypheic" + bytes(40),
    HEIF: b"\x00\x00\x00\x18ftypmif1" + bytes(40),
}
ALL = PictureRules(frozenset(HEADS))


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("declared", ["image/png", "image/jpeg", "application/octet-stream", "", "IMAGE/WEBP"])
def test_media_type_is_that_of_the_bytes(kind: str, declared: str) -> None:
    content = encoded(HEADS[kind])
    assert checked_picture(Image(f"data:{declared};base64,{content}"), ALL) == (kind, content)


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("image/jpg", JPEG),
        ("image/JPEG", JPEG),
        ("image/pjpeg", JPEG),
        ("image/png;charset=utf-8", PNG),
        ("Image/PNG; name=a.png", PNG),
        ("image/x-png", PNG),
        ("", JPEG),
    ],
)
@pytest.mark.parametrize("scheme", ["data:", "DATA:"])
def test_declared_type_of_unknown_bytes_is_brought_into_form(scheme: str, declared: str, kind: str) -> None:
    assert checked_picture(Image(f"{scheme}{declared};BASE64,AAAA"), PictureRules()) == (kind, "AAAA")


def test_base64_is_made_plain() -> None:
    content = encoded(HEADS[PNG] + b"\xff\xfe\xfd")
    urlsafe = content.replace("+", "-").replace("/", "_").rstrip("=")
    broken = "\r\n".join(urlsafe[n : n + 20] for n in range(0, len(urlsafe), 20))
    assert checked_picture(Image(f"data:image/png;base64,{broken}"), PictureRules()) == (PNG, content)


@pytest.mark.parametrize("url", ["data:image/png,AAAA", "data:image/png;base64", "data:image/svg+xml,<svg/>"])
def test_data_that_is_no_base64_is_refused(url: str) -> None:
    with pytest.raises(CapabilityMissing, match="base64"):
        checked_picture(Image(url), PictureRules())


@pytest.mark.parametrize("content", [HEADS[HEIC], HEADS[HEIF], b"BM\0\0\0\0\0\0\0\0\0\0", b"II*\0\0\0\0\0\0\0"])
def test_type_that_a_provider_refuses_is_named(content: bytes) -> None:
    with pytest.raises(CapabilityMissing, match=r"takes no pictures of type image/(heic|heif|bmp|tiff)"):
        checked_picture(Image(f"data:image/png;base64,{encoded(content)}"), PictureRules(COMMON_TYPES))


def test_picture_over_a_limit_is_refused() -> None:
    rules = PictureRules(most_bytes=300, most_pixels_a_side=8000)
    assert checked_picture(Image("data:image/png;base64," + "A" * 400, width=8000, height=8000), rules)
    with pytest.raises(CapabilityMissing, match="at most"):
        checked_picture(Image("data:image/png;base64," + "A" * 408), rules)
    with pytest.raises(CapabilityMissing, match="8000 pixels"):
        checked_picture(Image("data:image/png;base64,AAAA", width=8001), rules)


def pictures(number: int, pixels: int = 0) -> ChatRequest:
    parts = tuple(Image("https://a.b/c.png", width=pixels) for _ in range(number))
    return ChatRequest("r", "m", (Message(Role.USER, parts),))


def test_number_of_pictures_is_limited() -> None:
    rules = PictureRules(most_pictures=5)
    check_number(pictures(5), rules)
    check_number(pictures(9), PictureRules())
    with pytest.raises(CapabilityMissing, match="at most 5 pictures"):
        check_number(pictures(6), rules)


def test_many_pictures_have_to_be_smaller() -> None:
    rules = PictureRules(most_pixels_of_many=(20, 2000))
    for request in (pictures(20, 8000), pictures(21, 2000), pictures(21)):
        check_number(request, rules)
    with pytest.raises(CapabilityMissing, match="2000 pixels"):
        check_number(pictures(21, 2001), rules)


@pytest.mark.parametrize(
    ("name", "model", "most"),
    [
        ("groq", "meta-llama/llama-4-scout-17b-16e-instruct", 5),
        ("mistral", "mistral-small-latest", 8),
        ("anthropic", "claude-haiku-4-5", 100),
        ("anthropic", "claude-haiku-5-5", 600),
    ],
)
async def test_each_provider_has_its_number(name: str, model: str, most: int) -> None:
    await Wire(name, model=model).body(pictures(most))
    with pytest.raises(CapabilityMissing, match=f"at most {most} pictures"):
        await Wire(name, model=model).body(pictures(most + 1))


def test_address_is_passed_on_where_the_provider_fetches_it() -> None:
    address = Image("https://x.test/a.png")
    assert data_url(*checked_picture(address, PictureRules())) == address.url
    with pytest.raises(CapabilityMissing, match="data only"):
        checked_picture(address, PictureRules(takes_addresses=False))
    assert data_url(PNG, "AAAA") == "data:image/png;base64,AAAA"
