from engine.chat import ChatRequest, Options, Role, says
from engine.ports import ProviderCall
from engine.providers.spec import Spec, thinking_off

HELLO = (says(Role.USER, "hello"),)


def test_first_matching_part_of_a_model_name_switches_thinking_off() -> None:
    spec = Spec("x", "", thinking_off=(("big", {"a": 1}), ("big-2", {"b": 2}), ("", {"c": 3})))
    found = [thinking_off(ProviderCall(ChatRequest("r", "m", HELLO), model, 10), spec) for model in ("big-2", "small")]
    assert found == [{"a": 1}, {"c": 3}]
    asked = ChatRequest("r", "m", HELLO, options=Options(reasoning_effort="low"))
    assert thinking_off(ProviderCall(asked, "big", 10), spec) == {}
