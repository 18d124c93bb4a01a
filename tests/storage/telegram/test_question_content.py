import pytest

from storage.telegram.question_content import QuestionContent, QuestionFile, Quotation

PHOTO = QuestionFile("photo", "AgAC1", 2048, width=640, height=480)
VOICE = QuestionFile("voice", "AwAC1", seconds=7, transcript="good day")
CONTENTS = (
    QuestionContent(),
    QuestionContent("một câu “hỏi”\n\tvới 🙂", speaker="Bảo"),
    QuestionContent("", (PHOTO, VOICE), (Quotation("forward", "words", "Ann", (PHOTO,)), Quotation("reply", "more"))),
)


@pytest.mark.parametrize("content", CONTENTS)
def test_content_is_read_back_as_it_was_written(content: QuestionContent) -> None:
    assert QuestionContent.from_json(content.to_json()) == content


@pytest.mark.parametrize(
    ("content", "is_empty"),
    [
        (QuestionContent(speaker="Ann"), True),
        (QuestionContent("a"), False),
        (QuestionContent(files=(PHOTO,)), False),
        (QuestionContent(quotations=(Quotation("reply", ""),)), False),
    ],
)
def test_content_without_words_files_and_quotations_is_empty(content: QuestionContent, is_empty: bool) -> None:
    assert content.is_empty is is_empty


def test_files_are_numbered_from_the_askers_own_on() -> None:
    first, second, third = (QuestionFile("voice", name) for name in "abc")
    content = QuestionContent("", (first,), (Quotation("reply", "x"), Quotation("forward", "", "", (second, third))))
    assert content.all_files == (first, second, third)
    for number in range(3):
        files = content.with_transcript(number, "words").all_files
        assert [file.transcript for file in files] == ["words" if each == number else None for each in range(3)]
        assert len(content.with_transcript(number, "words").quotations) == 2


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        (0, "A", ("Atwo\nthree", (3, 6))),
        (1, "2", ("one2\nthree", (1, 6))),
        (2, "3", ("onetwo\n3", (3, 2))),
    ],
)
def test_part_of_a_text_is_replaced_with_its_line_break(
    number: int, text: str, expected: tuple[str, tuple[int, ...]]
) -> None:
    edited = QuestionContent("onetwo\nthree", more_chars=(3, 6)).with_part(number, text)
    assert (edited.text, edited.more_chars) == expected
    assert QuestionContent.from_json(edited.to_json()) == edited
