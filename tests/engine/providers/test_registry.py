import re
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot

from engine.providers import addresses, dialects
from engine.providers.dialects.adapter import ProviderAdapter
from engine.providers.registry import Spec, brand, build, dialect_classes, specs

ROOT = Path(__file__).parents[3]
NOT_A_DIALECT = {"__init__", "adapter", "stream_reader", "transcriptions"}
# modules that belong to one dialect, such as its request and stream
PARTS = ("_request", "_stream", "_messages", "_turns", "_contents")
SPECS = sorted(specs().values(), key=lambda spec: spec.name)


def modules(package: str) -> set[str]:
    return {path.stem for path in Path(package).glob("*.py")}


def env_example() -> str:
    return (ROOT / ".env.example").read_text()


def test_every_module_of_addresses_has_a_spec_of_its_name() -> None:
    assert set(specs()) == modules(addresses.__path__[0]) - {"__init__"}


def test_every_module_of_dialects_has_a_dialect_but_the_shared_ones() -> None:
    found = {module for module in modules(dialects.__path__[0]) if not module.endswith(PARTS)}
    assert set(dialect_classes()) == found - NOT_A_DIALECT
    assert all(issubclass(each, ProviderAdapter) for each in dialect_classes().values())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_provider_names_an_existing_dialect(spec: Spec) -> None:
    assert spec.dialect in dialect_classes(), f"engine/providers/dialects/{spec.dialect}.py has no DIALECT"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_provider_has_its_lines_in_env_example(spec: Spec) -> None:
    for suffix in ("BASE_URL", "API_KEY") if spec.needs_key else ("BASE_URL",):
        variable = f"{spec.name.upper()}_{suffix}"
        line = re.search(rf"^#?{variable}=", env_example(), re.MULTILINE)
        assert line, f".env.example has no line for {variable}, which the provider {spec.name} needs"


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.base_url], ids=lambda spec: spec.name)
def test_address_in_env_example_is_the_providers_own(spec: Spec) -> None:
    line = f"#{spec.name.upper()}_BASE_URL={spec.base_url}"
    assert line in env_example().splitlines(), f".env.example lacks the line {line}"


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.needs_key], ids=lambda spec: spec.name)
def test_every_provider_has_a_brand_that_the_readme_names(spec: Spec) -> None:
    assert spec.brand, f"the SPEC of {spec.name} has no brand, which people read in the chat"
    assert spec.brand in (ROOT / "README.md").read_text(), f"README.md does not name {spec.brand}"


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.needs_key], ids=lambda spec: spec.name)
def test_price_catalogue_knows_every_provider(spec: Spec) -> None:
    ids = sorted(provider.id for provider in get_snapshot().providers if provider.models)
    assert (spec.catalogue or spec.name) in ids, (
        f"set `catalogue` in the SPEC of {spec.name} to its id in genai-prices, one of {', '.join(ids)}; "
        f"a provider without one can't be sold: operators name it in [providers] and [prices] of farthing.toml"
    )


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.needs_key], ids=lambda spec: spec.name)
def test_every_provider_says_how_it_handles_prompts_and_where_keys_are_issued(spec: Spec) -> None:
    assert re.fullmatch("[A-Z]{2}", spec.data.country), f"the SPEC of {spec.name} has no `data` with its country"
    assert spec.data.trains is not None, f"`data` of {spec.name} doesn't say whether it trains on prompts"
    assert spec.console_url, f"the SPEC of {spec.name} has no `console_url`, the page that issues its API keys"


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.needs_key], ids=lambda spec: spec.name)
async def test_provider_is_configured_by_its_keys(spec: Spec) -> None:
    for keys in ((), ("a",), ("a", "b")):
        provider = build(spec, keys=keys)
        assert provider.keys == len(keys)
        await provider.aclose()


async def test_keyless_server_is_configured_by_its_address() -> None:
    for url, keys in ((None, 0), ("http://127.0.0.1:11434/v1/", 1)):
        provider = build(specs()["local"], base_url=url)
        assert provider.keys == keys
        await provider.aclose()


@pytest.mark.parametrize("name", sorted(dialect_classes()))
def test_every_dialect_is_documented(name: str) -> None:
    rows = (ROOT / "docs" / "configuration.md").read_text().splitlines()
    row = next(row for row in rows if row.startswith("| `[providers.NAME]` | `dialect` |"))
    assert f"`{name}`" in row, f"docs/configuration.md does not name the dialect {name} in the row of [providers.NAME]"


@pytest.mark.parametrize("name", sorted(dialect_classes()))
def test_every_dialect_has_tests_and_a_stand_in(name: str) -> None:
    for path in (f"tests/engine/providers/dialects/test_{name}.py", f"sandbox/providers/dialects/{name}.py"):
        assert (ROOT / path).exists(), f"the dialect {name} has no {path}"


def test_known_provider_has_its_brand_and_any_other_its_own_name() -> None:
    assert (brand("deepseek"), brand("openai"), brand("mybox")) == ("DeepSeek", "OpenAI", "mybox")


@pytest.mark.parametrize("field", ["name", "brand", "base_url", "console_url"])
def test_no_two_providers_share_a_name_an_address_or_a_console(field: str) -> None:
    values = [getattr(spec, field) for spec in SPECS if getattr(spec, field)]
    shared = {value for value in values if values.count(value) > 1}
    assert not shared, f"several files of engine/providers/addresses have the {field} {', '.join(sorted(shared))}"
