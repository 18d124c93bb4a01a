"""Decoding of text files: byte order marks, UTF-8 and UTF-16, and older code pages."""

import re
import unicodedata

from charset_normalizer import from_bytes

SAMPLE_BYTES = 64_000
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_CODE_PAGES = (
    "cp1252",
    "cp1251",
    "cp1258",
    "cp1250",
    "cp932",
    "gb18030",
    "big5",
    "cp949",
    "euc_jp",
    "koi8_r",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
)
_LATIN = frozenset({"cp1250", "cp1252", "cp1254", "cp1258"})
_LATIN_OF = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), "cp1250"),
    **dict.fromkeys(("az", "tr"), "cp1254"),
    "vi": "cp1258",
}
_MARK_IN_WORD = re.compile(r"[a-z][³¹¿£¼¾][a-z]|[a-z][øìò][a-z]*[šžù]|[šžù][a-z]*[øìò]", re.IGNORECASE)
_TONE = re.compile("[aăâeêioôơuưy][\u0300\u0301\u0303\u0309\u0323]", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROL_SHARE = 0.002


def decoded(data: bytes, language: str = "en") -> str | None:
    """Return the text, or None if the bytes are not text. `language` decides between code pages that look alike."""
    for encoding in _encodings(data, language):
        try:
            text = data.decode(encoding, "strict" if encoding == "utf-8" else "replace")
        except UnicodeError:
            continue
        return unicodedata.normalize("NFC", text) if _is_text(text) else None
    return None


def plain_utf8(data: bytes) -> str | None:
    """Return the text if it is plain UTF-8, the usual case; None if the encoding must be guessed."""
    if data.startswith(_MARKS[0][0]):
        data = data[3:]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if _is_text(text) else None


def _is_text(text: str) -> bool:
    sample = text[:SAMPLE_BYTES]
    return "\x00" not in sample and len(_CONTROL.findall(sample)) <= len(sample) * _MOST_CONTROL_SHARE


def _encodings(data: bytes, language: str) -> list[str]:
    """Return the encodings to try, the most likely first."""
    if marked := [encoding for mark, encoding in _MARKS if data.startswith(mark)]:
        return marked[:1]
    if wide := _unmarked_utf16(data):
        return [wide]
    return ["utf-8", *_code_page(data[:SAMPLE_BYTES], language)]


def _unmarked_utf16(data: bytes) -> str | None:
    """Return the encoding of UTF-16 without a byte order mark, recognized by the zero bytes of its ASCII."""
    sample = data[:SAMPLE_BYTES]
    odd, even, half = sample[1::2].count(0), sample[::2].count(0), len(sample) // 2
    if not half or max(odd, even) < half * 0.4 or min(odd, even) > half * 0.05:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _code_page(sample: bytes, language: str) -> list[str]:
    best = from_bytes(sample, cp_isolation=list(_CODE_PAGES), threshold=0.3).best()
    if best is None:
        return []
    return [_latin(sample, best.encoding, language) if best.encoding in _LATIN else best.encoding]


def _latin(sample: bytes, guessed: str, language: str) -> str:
    """Return the code page of a text in Latin letters: the western one, unless some letters exclude it."""
    if len(_TONE.findall(sample.decode("cp1258", "replace"))) > 1:
        return "cp1258"
    if wanted := _LATIN_OF.get(language.partition("-")[0]):
        return wanted
    western = sample.decode("cp1252", "replace")
    return guessed if "\ufffd" in western or _MARK_IN_WORD.search(western) else "cp1252"
