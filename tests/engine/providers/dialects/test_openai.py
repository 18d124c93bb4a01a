import pytest

from tests.engine.providers.dialects.wires import Wire, asking, data


@pytest.mark.parametrize("name", ["deepseek", "openrouter", "groq"])
async def test_provider_of_one_choice_is_not_asked_for_two(name: str) -> None:
    assert "n" not in await Wire(name).body(asking(n=2))
    assert Wire(name).ignored(asking(n=2)) == ("n",)
    assert (await Wire("openai").body(asking(n=2)))["n"] == 2


async def test_request_goes_to_chat_completions_with_the_key_as_bearer() -> None:
    wire = Wire("openai", data({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, "[DONE]"))
    await wire.chunks()
    assert str(wire.sent[0].url) == "http://provider.test/v1/chat/completions"
    assert wire.sent[0].headers["authorization"] == "Bearer k-1"
