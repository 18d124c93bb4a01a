"""Text files by their encoding."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.reading.encodings import decoded, plain_utf8

RUSSIAN = "Привет! Это обычный текстовый файл, в нём несколько строк.\nИтого: 15 рублей.\n"
FRENCH = "Le café était fermé à midi, déjà. L’été, où êtes-vous ? Ça coûte 5 €.\n"
SPANISH = "El niño comió jamón. ¿Cuántos años tiene Núñez? ¡Qué día!\n"
GERMAN = "Größe, Übung und Straße: alles schön für die Prüfung.\n"
POLISH = "Zażółć gęślą jaźń, a także więcej słów i źdźbło trawy.\n"
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, řekl český hřebec.\n"
TURKISH = "Bugün hava çok güzel, değil mi? Işıl şeker yiyor, ağaç yeşil.\n"
JAPANESE = "これは日本語のテキストファイルです。天気がいいですね。\n"
CHINESE = "这是一个中文文本文件，今天天气很好，我们去公园散步吧。\n"
KOREAN = "안녕하세요, 이것은 한국어 텍스트 파일입니다. 날씨가 좋습니다.\n"
GREEK = "Καλημέρα, αυτό είναι ένα αρχείο κειμένου με λίγες λέξεις.\n"
VIETNAMESE = "Xin chào, đây là tệp văn bản tiếng Việt của tôi. Hôm nay trời đẹp quá.\n"
TONES = "\u0300\u0301\u0303\u0309\u0323"


def as_1258(text: str) -> bytes:
    """Encode as Windows-1258, in which tone marks are separate characters and other marks are not."""
    out: list[str] = []
    for letter in unicodedata.normalize("NFD", text):
        if out and unicodedata.combining(letter) and letter not in TONES:
            tones = "".join(mark for mark in out[-1][1:] if mark in TONES)
            out[-1] = unicodedata.normalize("NFC", out[-1][0] + letter) + tones
        elif letter in TONES:
            out[-1] += letter
        else:
            out.append(letter)
    return "".join(out).encode("cp1258")


@pytest.mark.parametrize("times", [1, 20])
@pytest.mark.parametrize(
    ("text", "encoding", "language"),
    [
        (RUSSIAN, "cp1251", "en"),
        (RUSSIAN, "koi8_r", "ru"),
        (FRENCH, "cp1252", "en"),
        (SPANISH, "cp1252", "es"),
        (GERMAN, "cp1252", "de"),
        (POLISH, "cp1250", "pl"),
        (POLISH, "cp1250", "en"),
        (CZECH, "cp1250", "en"),
        (TURKISH, "cp1254", "tr"),
        (JAPANESE, "shift_jis", "en"),
        (JAPANESE, "euc_jp", "en"),
        (CHINESE, "gb18030", "en"),
        (KOREAN, "cp949", "en"),
        (GREEK, "cp1253", "en"),
    ],
)
def test_code_page_is_found(text: str, encoding: str, language: str, times: int) -> None:
    assert decoded((text * times).encode(encoding), language) == text * times


@pytest.mark.parametrize("language", ["en", "vi"])
def test_vietnamese_code_page_has_its_tones_joined(language: str) -> None:
    assert decoded(as_1258(VIETNAMESE), language) == VIETNAMESE


@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, "plain words", VIETNAMESE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_with_and_without_a_mark(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_told_by_its_zeros(encoding: str) -> None:
    assert decoded("id,name\n1,Ann\n".encode(encoding)) == "id,name\n1,Ann\n"


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01" + bytes(400), bytes(range(32)) * 40, b"\x00\x01\x02"])
def test_binary_file_is_no_text(data: bytes) -> None:
    assert decoded(data) is None
    assert plain_utf8(data) is None


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"))))
def test_every_utf8_text_is_read_as_it_is(text: str) -> None:
    wanted = text.removeprefix("\ufeff")
    assert plain_utf8(text.encode()) == wanted


def test_plain_utf8_leaves_other_encodings_to_the_child() -> None:
    assert plain_utf8("Größe".encode("cp1252")) is None
    assert plain_utf8(b"\xef\xbb\xbfyes") == "yes"
