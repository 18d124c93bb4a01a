"""Histories of agents, in the form that clients send, for the golden tests of each dialect."""

from engine.chat import ChatRequest, Image, Message, Options, Role, Text, Tool, ToolCall, says
from engine.providers.tool_ids import carrying

SIGNATURE = "c2lnbmVkIGJ5IGdlbWluaQ=="
SIGNED = carrying("call_gemini_1", SIGNATURE)
PICTURE = Image("data:image/jpg;base64,iVBORw0KGgoAAAAA")
LOOK = Tool("look", "looks", {"type": "object", "properties": {"a": {"type": "integer"}}})


def step(
    *messages: Message, tools: tuple[Tool, ...] = (LOOK,), parallel: bool | None = None, effort: str | None = None
) -> ChatRequest:
    """Return a request whose prompt is a user's turn followed by `messages`."""
    options = Options(tools=tools, parallel_tool_calls=parallel, reasoning_effort=effort)
    return ChatRequest("r", "m", (says(Role.USER, "go"), *messages), options=options)


def parallel_step() -> ChatRequest:
    """Return two calls of Gemini, the first one signed; results in another order, one with a picture; then a text."""
    return step(
        Message(
            Role.ASSISTANT,
            (Text("I look."),),
            (ToolCall(SIGNED, "look", '{"a": 1}'), ToolCall("call/2", "look", "{broken")),
        ),
        Message(Role.TOOL, (Text("two"),), tool_call_id="call/2"),
        Message(Role.TOOL, (Text("one"), PICTURE), tool_call_id=SIGNED),
        says(Role.USER, "and now?"),
    )
