"""Each button of the code has a handler: its action is in `buttons` of its command."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from bot.menu import discover

ROOT = Path(__file__).parents[2]


def constant(node: ast.expr, module: ModuleType) -> str | None:
    """Return the string that an argument stands for: a literal or a constant of the module. None: not known here."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    value = getattr(module, node.id, None) if isinstance(node, ast.Name) else None
    return value if isinstance(value, str) else None


def made_buttons() -> Iterator[tuple[str, str, str]]:
    """Yield file and line, command and action of each `button(text, command, action, …)` that names both."""
    for path in sorted((ROOT / "bot").rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        named = [each for each in calls if ast.unparse(each.func).rpartition(".")[2] == "button" and len(each.args) > 2]
        if not named:
            continue
        place = path.relative_to(ROOT)
        module = import_module(".".join(place.with_suffix("").parts))
        for call in named:
            command, action = constant(call.args[1], module), constant(call.args[2], module)
            if command is not None and action is not None:
                yield f"{place}:{call.lineno}", command, action


def test_every_button_has_its_handler() -> None:
    found, commands = list(made_buttons()), discover()
    assert len(found) > 50
    lacking = [
        f"{place} makes a button with the action {action!r}, which `buttons` of /{command} does not have"
        for place, command, action in found
        if command not in commands or action not in commands[command].buttons
    ]
    assert not lacking, "; ".join(lacking)
