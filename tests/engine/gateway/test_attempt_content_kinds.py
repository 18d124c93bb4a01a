"""Content of each kind: limited, held back for a schema, and combined to choices."""

import pytest

from engine.catalog.offers import Offer
from engine.chat import Chunk, Delta, Finish, Finished, TextDeltas, ToolCall, ToolCallDelta, Usage
from engine.completion import Choice
from engine.errors import CapabilityMissing, Garbled
from engine.gateway.attempt_content import AttemptContent, choices_of, text_of

OFFER = Offer("p", "m")
SCHEMA: dict[str, object] = {"type": "object", "required": ["a"]}
END = Finished(Finish.STOP)
ALLOWED = 200_000  # characters, if no token limit is set


def content(*chunks: Chunk, n: int = 1, schema: dict[str, object] | None = None, tokens: int = 100) -> AttemptContent:
    made = AttemptContent(OFFER, n, tokens, schema)
    made.add_all(chunks)
    return made


def texts(*words: str, index: int = 0) -> TextDeltas:
    return TextDeltas([*words], index)


def test_content_knows_its_offer() -> None:
    assert content().offer == OFFER
    assert (content().usage, content().served) == (None, "")


def test_texts_that_came_together_are_like_texts_that_came_one_by_one() -> None:
    words = ("one ", "two ", "three ")
    together, single = AttemptContent(OFFER, 1, 100), AttemptContent(OFFER, 1, 100)
    assert together.add(texts(*words[:1]))
    assert together.add(texts(*words[1:]))
    assert single.add_all([Delta(word) for word in words])
    for made in (together, single):
        assert (made.deltas, made.has_content, made.events) == (3, True, [Delta(word) for word in words])


@pytest.mark.parametrize(
    ("chunks", "is_content"),
    [
        ([], False),
        ([Delta(thinking="hm")], False),
        ([Usage(1, 1), END], False),
        ([Delta("a"), Usage(1, 1)], True),
        ([Usage(1, 1), Delta("a")], True),
    ],
)
def test_read_has_content_where_any_chunk_is_content(chunks: list[Chunk], is_content: bool) -> None:
    assert AttemptContent(OFFER, 1, 100).add_all(chunks) is is_content


def pieces(size: int) -> list[list[Chunk]]:
    """Return content of each kind with `size` characters in total."""
    return [
        [Delta("x" * size)],
        [texts("x" * size)],
        [texts(*["x" * 100] * (size // 100))],
        [Delta(tool_calls=(ToolCallDelta(0, "i" * size),))],
        [Delta(tool_calls=(ToolCallDelta(0, "", "n" * size),))],
        [Delta(tool_calls=(ToolCallDelta(0, arguments="a" * size),))],
    ]


@pytest.mark.parametrize("kind", range(6))
def test_content_of_each_kind_is_bounded(kind: int) -> None:
    assert content(*pieces(ALLOWED - 30_000)[kind], tokens=0).has_content
    with pytest.raises(Garbled) as endless:
        content(*pieces(ALLOWED + 100)[kind], tokens=0)
    assert endless.value.detail


@pytest.mark.parametrize(
    "delta",
    [
        Delta(thinking="x" * 600),
        Delta(thinking="x", thinking_signature="x" * 600),
        Delta(hides_thinking=True, redacted_thinking="x" * 600),
    ],
)
def test_reasoning_of_each_kind_is_bounded(delta: Delta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.gateway.attempt_content.MOST_CHARS", 1000)
    assert not content(delta).has_content
    with pytest.raises(Garbled):
        content(delta, delta)


def test_text_of_exactly_the_bound_is_within_it() -> None:
    for chunk in (Delta("x" * (ALLOWED - 8)), texts("x" * (ALLOWED - 8))):
        assert content(chunk, tokens=0).has_content


def test_texts_of_a_choice_that_was_not_asked_for_are_garbled() -> None:
    with pytest.raises(Garbled, match="choice 1 of 1"):
        content(texts("a", index=1))


# --- held back for a schema -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts", [[Delta('{"a"'), Delta(": 1}")], [texts('{"a"', ": 1}")], [texts('{"a"'), texts(": 1}")]]
)
def test_content_that_fits_its_schema_is_released_at_the_end(parts: list[Chunk]) -> None:
    made = content(schema=SCHEMA)
    assert made.add_all(parts) is False
    assert made.events == []
    made.add(END)
    made.finish()
    assert text_of(made.events) == '{"a": 1}'
    assert made.events[-1] == END


def test_content_that_does_not_fit_is_refused_but_kept() -> None:
    made = content(texts('{"b": 1}'), END, schema=SCHEMA)
    with pytest.raises(CapabilityMissing):
        made.finish()
    assert text_of(made.events) == '{"b": 1}'


def test_content_that_was_cut_at_its_limit_is_not_checked() -> None:
    made = content(texts('{"a": '), Finished(Finish.LENGTH), schema=SCHEMA)
    made.finish()
    assert text_of(made.events) == '{"a": '


def test_content_without_a_schema_is_not_checked() -> None:
    made = content(texts("{not json"), END)
    made.finish()
    assert text_of(made.events) == "{not json"


# --- choices --------------------------------------------------------------------------------------------


def ends_of(made: AttemptContent) -> list[str]:
    return [event.stop_sequence for event in made.events if isinstance(event, Finished)]


def test_stop_sequence_that_ended_the_answer_is_in_its_end() -> None:
    made = content(Delta("a"), Finished(Finish.STOP, stop_sequence="END"), Finished(Finish.STOP))
    made.finish()
    assert ends_of(made) == ["END"]
    plain = content(Delta("a"), END)
    plain.finish()
    assert ends_of(plain) == [""]


def test_one_reasoning_token_makes_an_answer() -> None:
    made = content(Usage(10, 1, reasoning_tokens=1))
    made.finish()
    assert made.events == [END]


def test_choices_without_a_reported_end_end_with_their_content() -> None:
    made = content(Delta("a"), Delta("b", index=1), Finished(Finish.LENGTH, index=1), n=2)
    made.finish()
    assert made.events[2:] == [END, Finished(Finish.LENGTH, index=1)]


@pytest.mark.parametrize(
    ("delta", "choice"),
    [
        (Delta("a"), Choice("a", finish=Finish.STOP)),
        (Delta("a", is_refusal=True), Choice("", refusal="a", finish=Finish.STOP)),
        (Delta("a", thinking="hm"), Choice("a", thinking="hm", finish=Finish.STOP)),
        (
            Delta(tool_calls=(ToolCallDelta(0, "i", "f", "{}", "s"),)),
            Choice("", (ToolCall("i", "f", "{}", "s"),), finish=Finish.STOP),
        ),
    ],
)
def test_choice_is_put_together_of_each_kind_of_delta(delta: Delta, choice: Choice) -> None:
    assert choices_of([delta, END]) == (choice,)


def test_texts_of_a_choice_are_joined_as_they_came() -> None:
    assert choices_of([Delta("a "), Delta("b"), END]) == (Choice("a b", finish=Finish.STOP),)
    assert choices_of([Delta("a "), Delta("b"), Delta("c"), END]) == (Choice("a bc", finish=Finish.STOP),)
    assert choices_of([Delta("a "), Delta("b")]) == (Choice("a b"),)
    assert choices_of([Delta("a", is_refusal=True), Delta("b", is_refusal=True), END])[0].refusal == "ab"
    assert choices_of([]) == ()
    assert choices_of([END]) == (Choice("", finish=Finish.STOP),)


def test_probabilities_and_other_choices_are_not_lost() -> None:
    [choice] = choices_of([Delta("a", logprobs={"content": [1]}), END])
    assert choice.logprobs
    first, second = choices_of([Delta("a"), Delta("b", index=1), Finished(Finish.STOP, index=1), END])
    assert (first.text, second.text) == ("a", "b")


def test_signature_of_a_call_is_the_first_that_came() -> None:
    calls = [ToolCallDelta(0, "i", "f", "{", "first"), ToolCallDelta(0, arguments="}", signature="second")]
    [choice] = choices_of([*(Delta(tool_calls=(call,)) for call in calls), END])
    assert choice.tool_calls == (ToolCall("i", "f", "{}", "first"),)


def test_text_for_counting_has_the_texts_and_the_arguments() -> None:
    call = Delta(tool_calls=(ToolCallDelta(0, "i", "f", "{}"),))
    assert text_of([Delta("a "), Delta("b"), END]) == "a b"
    assert text_of([Delta("a "), call, END]) == "a {}"
