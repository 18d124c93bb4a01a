"""Every setting is documented, and every documented setting exists."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from bot.menu import discover
from engine.providers.registry import specs
from main.config import Config
from main.config_sections import ScheduleSection
from main.settings import Environment

ROOT = Path(__file__).parents[2]
PACKAGES = ("main", "engine", "storage", "bot", "web", "scheduler", "documents", "locales", "sandbox", "tools")


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each section of farthing.toml with its model; for a table of tables, the model of its rows.

    A section with free keys, such as [status_pages], has no model.
    """
    for name, field in Config.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        yield from ((name, kind) for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel))


def documented_keys() -> dict[str, set[str]]:
    """Return the keys of each section in the table of docs/configuration.md."""
    found: dict[str, set[str]] = {}
    section = ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        cells = line.split(" | ")
        if not line.startswith("|") or len(cells) < 4:
            continue
        if heading := re.match(r"\|\s*`\[(\w+)", cells[0]):
            section = heading[1]
        if section:
            found.setdefault(section, set()).update(re.findall(r"`(\w+)`", cells[1]))
    return found


def env_variables() -> set[str]:
    """Return the variables in .env.example, including commented ones."""
    return set(re.findall(r"^#?([A-Z][A-Z_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def provider_variables() -> set[str]:
    kinds = ("API_KEY", "BASE_URL", "PROXY")
    return {f"{name.upper()}_{kind}" for name in specs() for kind in kinds}


def test_every_key_of_farthing_toml_is_documented() -> None:
    documented = documented_keys()
    missing = [
        f"{section}.{key}"
        for section, model in sections()
        for key in model.model_fields
        if key not in documented.get(section, set())
    ]
    assert not missing, f"add these keys to the table of docs/configuration.md: {', '.join(missing)}"


def test_every_documented_key_of_farthing_toml_exists() -> None:
    known = {section: set(model.model_fields) for section, model in sections()}
    unknown = [
        f"{section}.{key}"
        for section, keys in documented_keys().items()
        for key in sorted(keys)
        if key not in known.get(section, set())
    ]
    assert unknown == [], "docs/configuration.md lists keys that main/config.py does not have"


def test_every_variable_is_in_env_example() -> None:
    missing = {name.upper() for name in Environment.model_fields} - env_variables()
    assert missing == set(), "add these variables to .env.example"


def test_every_variable_in_env_example_exists() -> None:
    known = {name.upper() for name in Environment.model_fields} | provider_variables()
    assert env_variables() - known == set(), ".env.example lists variables that main/settings.py does not read"


def test_every_schedule_key_is_documented_with_its_default() -> None:
    rows = [line.split(" | ") for line in (ROOT / "docs/configuration.md").read_text().splitlines()]
    documented = {
        key: float(default)
        for cells in rows
        if len(cells) > 3
        for key, default in zip(re.findall(r"`(\w+)`", cells[1]), re.findall(r"`([\d.]+)`", cells[2]), strict=False)
        if key in ScheduleSection.model_fields
    }
    wrong = [
        f"`{key}` with the default `{field.default:g}`"
        for key, field in ScheduleSection.model_fields.items()
        if documented.get(key) != field.default
    ]
    assert not wrong, f"docs/configuration.md, rows of [schedule]: it should have {', '.join(wrong)}"


def test_every_command_is_in_the_readme() -> None:
    named = set(re.findall(r"`/(\w+)`", (ROOT / "README.md").read_text()))
    missing = sorted(set(discover()) - named)
    assert not missing, f"add these commands to the table of README.md: {', '.join(missing)}"


def test_every_folder_is_on_the_map() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    tree = text[text.index("## Folders") :].split("```")[1]
    packages = {path.parent.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")}
    missing = sorted(str(path) for path in packages if not re.search(rf"\b{path.name}/", tree))
    assert not missing, f"docs/ARCHITECTURE.md, Folders, does not name {', '.join(missing)}"
