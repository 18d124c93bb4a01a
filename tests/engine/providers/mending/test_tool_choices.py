from collections.abc import Callable

import pytest

from engine.chat import Options, Tool
from engine.errors import CapabilityMissing
from engine.providers.mending.tool_choices import (
    allowed_mode,
    allowed_names,
    allowed_tools,
    distinct_tools,
    forces_tool,
)

TOOLS = (Tool("look"), Tool("find"))


def allowing(mode: str, *names: str) -> Options:
    listed = [{"type": "function", "function": {"name": name}} for name in names]
    return Options(tools=TOOLS, tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": listed}})


def test_list_of_allowed_tools_becomes_those_tools_and_a_mode() -> None:
    assert allowed_tools(allowing("required", "find")) == ((Tool("find"),), "required")
    assert allowed_names(allowing("auto", "find", "look")) == ("find", "look")
    assert allowed_mode(allowing("auto", "find")) == "auto"


def test_other_choices_allow_every_tool() -> None:
    assert allowed_tools(Options(tools=TOOLS, tool_choice="none")) == (TOOLS, "none")
    assert allowed_names(Options(tools=TOOLS)) is None


@pytest.mark.parametrize(
    ("options", "forced"),
    [
        (Options(tools=TOOLS), False),
        (Options(tools=TOOLS, tool_choice="auto"), False),
        (Options(tools=TOOLS, tool_choice="none"), False),
        (Options(tools=TOOLS, tool_choice="required"), True),
        (Options(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "look"}}), True),
        (allowing("auto", "look"), False),
        (allowing("required", "look"), True),
    ],
)
def test_forced_tool_is_known(options: Options, forced: bool) -> None:
    assert forces_tool(options) is forced


def test_tool_that_is_declared_twice_goes_out_once() -> None:
    options = Options(tools=(Tool("look", "a"), Tool("find"), Tool("look", "b")))
    assert distinct_tools(options) == (Tool("look", "a"), Tool("find"))
    assert allowed_tools(options)[0] == distinct_tools(options)


@pytest.mark.parametrize("given", [distinct_tools, allowed_tools])
def test_more_tools_than_a_provider_takes_are_refused(given: Callable[..., object]) -> None:
    given(Options(tools=TOOLS), 2)
    with pytest.raises(CapabilityMissing):
        given(Options(tools=TOOLS), 1)
