from engine.chat import ChatRequest, Message, Options, Role, Text, says
from engine.providers.mending.refused_options import given_fields, has_names


def test_fields_at_their_defaults_are_not_given() -> None:
    assert given_fields(Options()) == ()
    usual = Options(
        temperature=1, top_p=1.0, presence_penalty=0, logprobs=False, parallel_tool_calls=True, logit_bias={}
    )
    assert given_fields(usual) == ()


def test_given_fields_are_named() -> None:
    options = Options(temperature=0, stop=("x",), seed=0, logit_bias={"1": 2.0}, parallel_tool_calls=False)
    assert given_fields(options) == ("temperature", "stop", "seed", "parallel_tool_calls", "logit_bias")


def test_name_of_a_tool_is_no_name_of_a_person() -> None:
    named = Message(Role.TOOL, (Text("x"),), name="look")
    assert not has_names(ChatRequest("r", "m", (says(Role.USER, "x"), named)))
    assert has_names(ChatRequest("r", "m", (Message(Role.USER, (Text("x"),), name="ann"),)))
