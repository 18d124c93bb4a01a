import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Garbled
from engine.providers.sse import Frame, FrameSplitter, LineSplitter

BODY = "event: a\ndata: một\ndata: 二\n\n: note\n\ndata:🌊\n\ndata:  two spaces\n\nevent: lost\n\ndata: last"


def frames(splitter: FrameSplitter, piece: bytes) -> list[Frame]:
    return [each for each in splitter.feed(piece) if isinstance(each, Frame)]


def read(raw: bytes, *cuts: int) -> list[Frame]:
    splitter, at, found = FrameSplitter(), 0, list[Frame]()
    for cut in [*sorted(cuts), len(raw)]:
        found += frames(splitter, raw[at:cut])
        at = cut
    return found + splitter.end()


WHOLE = [Frame("a", "một\n二"), Frame("", "🌊"), Frame("", " two spaces"), Frame("", "last")]


def test_frames_are_read_by_the_specification() -> None:
    assert read(BODY.encode()) == WHOLE
    assert read(b"\xef\xbb\xbf" + BODY.encode()) == WHOLE


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 90), max_size=8))
def test_frames_do_not_depend_on_where_bytes_are_split(ending: str, cuts: list[int]) -> None:
    assert read(BODY.replace("\n", ending).encode(), *cuts) == WHOLE


@pytest.mark.parametrize("pretty", ['{"a": 1}', '{\n "a": 1\n}', '{\n\n "a": 1\n\n}\n\n'])
def test_bare_json_is_a_frame_in_any_layout(pretty: str) -> None:
    [frame] = read(pretty.encode())
    assert frame.data.replace("\n", "").replace(" ", "") == '{"a":1}'


def test_array_is_read_as_its_elements_and_an_event_after_it_is_another_frame() -> None:
    assert [frame.data for frame in read(b'[{"a": 1},\n{"b": 2}]')] == ['{"a": 1}', '{"b": 2}']
    assert [frame.data for frame in read(b'{"a": 1}\ndata: x\n\n')] == ['{"a": 1}', "x"]


def test_endless_line_and_frame_are_garbled() -> None:
    lines = LineSplitter()
    for _ in range(8):
        lines.feed(b"x" * 1_000_000)
    with pytest.raises(Garbled):
        lines.feed(b"x")


def test_half_a_character_is_held_back() -> None:
    lines = LineSplitter()
    assert lines.feed("🌊".encode()[:2]) == []
    assert lines.feed("🌊".encode()[2:] + b"\n") == ["🌊"]
    assert lines.feed(b"\xff\n") == ["\ufffd"]


MIXED = (
    b'data: {"a": 1}\n\ndata: {"b": 2}\n\ndata: {"c":\ndata: 3}\n\n: x\n\n\ndata: {"d": 4}\n\nevent: e\ndata: {}\n\n'
)


@given(st.lists(st.integers(0, 90), max_size=8))
def test_single_data_lines_among_others_do_not_depend_on_where_bytes_are_split(cuts: list[int]) -> None:
    plain = [Frame("", data) for data in ('{"a": 1}', '{"b": 2}', '{"c":\n3}', '{"d": 4}')]
    assert read(MIXED, *cuts) == [*plain, Frame("e", "{}")]


def test_number_of_single_data_lines_is_bounded() -> None:
    splitter, piece = FrameSplitter(), b"data: {}\n\n" * 1_000
    for _ in range(150):
        frames(splitter, piece)
    with pytest.raises(Garbled):
        frames(splitter, piece)


def test_frames_without_blank_lines_between_them_come_as_they_do() -> None:
    splitter = FrameSplitter()
    assert frames(splitter, b'data: {"a": 1}\ndata: {"b": 2}\n') == [Frame("", '{"a": 1}')]
    assert frames(splitter, b"data: [DONE]\n") == [Frame("", '{"b": 2}')]
    assert splitter.end() == [Frame("", "[DONE]")]


@pytest.mark.parametrize("body", [b'data: {"a":\ndata: {}}\n\n', b'data: {"a": {}\ndata: }\n\n'])
def test_json_on_several_data_lines_is_one_frame(body: bytes) -> None:
    assert len(read(body)) == 1


def test_field_named_error_with_an_object_is_an_error_event() -> None:
    assert read(b'error: {"code": 400}\n\ndata: x\n\n') == [Frame("error", '{"code": 400}'), Frame("", "x")]
    assert read(b"error: none\n\ndata: x\n\n") == [Frame("", "x")]


def test_rest_of_a_long_line_is_no_frame_of_its_own() -> None:
    begun = '{"text":"' + "x" * 20_000
    raw = f'data: {begun}data: {{}}"}}\n\n'.encode()
    assert read(raw, len("data: ") + len(begun)) == [Frame("", begun + 'data: {}"}')]
