"""The result of reading a file."""

import pytest

from documents.reading import file_content
from documents.reading.file_content import Collected, FileContent, Flaw, Picture, UnreadableFileError, text_content


@pytest.mark.parametrize(
    "found",
    [
        FileContent("añ\n🙂", shown=4, total=4),
        FileContent(pictures=(Picture(b"\xff\xd8", 3, 4),), unit="pages", shown=1, total=9),
    ],
)
def test_result_passes_between_processes_unchanged(found: FileContent) -> None:
    assert FileContent.from_json(found.to_json()) == found


def test_flaw_passes_between_processes() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        FileContent.from_json(b'{"flaw": "locked"}')
    assert caught.value.flaw is Flaw.LOCKED


@pytest.mark.parametrize(("shown", "total", "is_whole"), [(5, 5, True), (5, 9, False), (5, 0, False)])
def test_whole_is_known_by_the_total(shown: int, total: int, is_whole: bool) -> None:
    assert FileContent("x", shown=shown, total=total).is_whole == is_whole


def test_text_is_cut_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "MOST_CHARS", 4)
    found = text_content("abcdef")
    assert (found.text, found.shown, found.total) == ("abcd", 4, 6)
    collected = Collected()
    for _ in range(3):
        assert not collected.is_full
        collected.add("x")
    assert collected.is_full
    assert collected.reading().total == 0


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_text_without_words_is_empty(text: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        text_content(text)
    assert caught.value.flaw is Flaw.EMPTY
