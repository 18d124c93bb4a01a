from typing import Any

import pytest

from engine.errors import BadRequest
from web.pipeline.hosted_tools import clients_tools, hosted_tools

TOOLS = [{"type": "web_search"}, {"type": "function", "name": "look"}, {"type": "web_search"}, {"type": "mcp"}]


def test_tools_of_the_client_keep_their_paths() -> None:
    assert clients_tools(TOOLS, ("function",)) == [("tools.1", TOOLS[1])]
    assert clients_tools([{"name": "look"}], (None, "custom")) == [("tools.0", {"name": "look"})]


def test_tools_that_a_provider_runs_are_named_once() -> None:
    assert hosted_tools(TOOLS, ("function",)) == ("tools.web_search", "tools.mcp")
    assert hosted_tools(TOOLS[1:2], ("function",)) == ()


@pytest.mark.parametrize("kind", [None, 5, "", "no kind", "x\ny", "é", "x" * 65, []])
def test_kind_that_no_header_could_carry_is_refused(kind: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        hosted_tools([{"type": "function"}, {"type": kind}], ("function",))
    assert refused.value.field == "tools.1.type"
