from bot.formatting.styled import StyledSpan, StyledText, StyledWriter


def spans(text: StyledText) -> list[tuple[str, str]]:
    return [(span.kind, text.text[span.start : span.end]) for span in text.spans]


def test_gaps_join_and_are_not_written_at_the_ends() -> None:
    writer = StyledWriter()
    writer.gap(2)
    writer.write("a")
    writer.gap(1)
    writer.gap(2, "  ")
    writer.write("b\n")
    writer.gap(2)
    writer.write("c")
    writer.gap(2)
    assert writer.finished().text == "a\n\n  b\n\nc"


def test_style_covers_text_without_the_gaps_around_it() -> None:
    writer = StyledWriter()
    writer.write("a")
    start = len(writer)
    writer.gap(1)
    writer.write("b")
    writer.gap(1)
    writer.style("bold", start)
    writer.write("c")
    assert spans(writer.finished()) == [("bold", "b")]


def test_styles_are_cut_out_of_code_and_quotations_do_not_nest() -> None:
    writer = StyledWriter()
    quote = writer.write("q")
    code = writer.write("code")
    writer.style("code", code)
    writer.style("blockquote", code)
    writer.write("r")
    writer.style("bold", quote)
    writer.style("blockquote", quote)
    expected = [("blockquote", "qcoder"), ("bold", "q"), ("bold", "r"), ("code", "code")]
    assert sorted(spans(writer.finished())) == expected


def test_style_within_the_same_style_is_left_out() -> None:
    writer = StyledWriter()
    outer = writer.write("a")
    inner = writer.write("b")
    writer.style("bold", inner)
    writer.style("bold", outer)
    assert spans(writer.finished()) == [("bold", "ab")]


def test_finished_text_is_appended_with_its_styles() -> None:
    writer = StyledWriter()
    writer.write("x")
    writer.append(StyledText("abc", (StyledSpan("bold", 1, 2),)))
    assert (writer.finished().text, spans(writer.finished())) == ("xabc", [("bold", "b")])


def test_line_breaks_after_a_glued_gap_stay_in_a_message() -> None:
    writer = StyledWriter()
    writer.write("head")
    writer.gap(2, glued=True)
    writer.write("text")
    assert writer.finished().glued == {6}
