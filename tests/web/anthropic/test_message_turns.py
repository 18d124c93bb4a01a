from typing import Any

import pytest

from engine.chat import Image, Message, Role, Text
from tests.web.anthropic.test_message_request import HELLO, turns, user
from web.anthropic.message_request import ignored_fields


def test_calls_and_results_of_a_providers_own_tools_are_left_out_by_name() -> None:
    searched = {
        "role": "assistant",
        "content": [
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
            {"type": "text", "text": "Rain."},
        ],
    }
    assert turns(HELLO, searched)[1] == Message(Role.ASSISTANT, (Text("Rain."),))
    assert ignored_fields({"messages": [HELLO, searched]}) == (
        "messages.server_tool_use",
        "messages.web_search_tool_result",
    )


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "document", "source": {"type": "text", "data": "x"}, "title": "T", "context": "c"}, "T\nc\nx"),
        ({"type": "document", "source": {"type": "content", "content": "x"}}, "x"),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": t} for t in "ab"]}},
            "a\nb",
        ),
        (
            {"type": "search_result", "title": "T", "source": "s", "content": [{"type": "text", "text": "x"}]},
            "T\ns\nx",
        ),
        ({"type": "tool_reference", "tool_name": "look"}, "look"),
    ],
)
def test_documents_and_search_results_are_text_below_their_titles(block: Any, text: str) -> None:
    assert turns(user(block))[0].parts == (Text(text),)
    [result] = turns(user({"type": "tool_result", "tool_use_id": "c", "content": [block]}))
    assert result.parts == (Text(text),)


@pytest.mark.parametrize("media", ["image/jpg", "image/png; charset=utf-8", "IMAGE/PNG", None])
def test_media_type_of_a_picture_is_taken_in_any_spelling(media: str | None) -> None:
    [found] = turns(user({"type": "image", "source": {"type": "base64", "media_type": media, "data": "QQ=="}}))
    assert found.parts == (Image(f"data:{media or 'image/jpeg'};base64,QQ=="),)


@pytest.mark.parametrize("kind", ["container_upload", "tool_addition", "mcp_tool_listing", "fallback"])
def test_blocks_of_newer_betas_are_left_out_by_name(kind: str) -> None:
    block = {"type": kind, "file_id": "f"}
    answered = {"role": "assistant", "content": [block, {"type": "text", "text": "Rain."}]}
    asked = user(block, {"type": "text", "text": "Why?"})
    assert [turn.parts for turn in turns(asked, answered, HELLO)[:2]] == [(Text("Why?"),), (Text("Rain."),)]
    assert ignored_fields({"messages": [asked, answered]}) == (f"messages.{kind}",)


def test_summary_of_a_conversation_is_text() -> None:
    summary = {"role": "assistant", "content": [{"type": "compaction", "content": "They met."}]}
    assert turns(summary, HELLO)[0] == Message(Role.ASSISTANT, (Text("They met."),))
