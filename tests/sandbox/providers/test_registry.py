"""Tests of the discovery of stand-ins."""

import pytest

from engine.providers.registry import dialect_classes, specs
from sandbox.app import Sandbox
from sandbox.providers.dialects.openai import OpenAIStandIn
from sandbox.providers.registry import found_stand_ins, plain_stand_ins, stand_ins_of
from tests.sandbox.providers.asking import FORMS


def test_each_stand_in_belongs_to_a_provider_and_has_its_dialect() -> None:
    for name, found in found_stand_ins().items():
        assert found.dialect == specs()[name].dialect, name


def test_every_dialect_has_a_plain_stand_in() -> None:
    for name in dialect_classes():
        assert name in plain_stand_ins(), f"add sandbox/providers/dialects/{name}.py with a PLAIN"
    assert set(plain_stand_ins()) <= set(dialect_classes())


@pytest.mark.parametrize("dialect", sorted(dialect_classes()))
def test_every_dialect_has_a_form_for_the_tests_of_stand_ins(dialect: str) -> None:
    assert dialect in FORMS, f"add a form for {dialect} to FORMS in tests/sandbox/providers/asking.py"


@pytest.mark.parametrize("dialect", sorted(plain_stand_ins()))
def test_provider_without_a_stand_in_gets_the_plain_one_of_its_dialect(dialect: str) -> None:
    made = stand_ins_of({"newcomer": dialect, "deepseek": "openai"})
    assert list(made) == ["newcomer", "deepseek"]
    assert type(made["newcomer"]) is plain_stand_ins()[dialect]
    assert made["newcomer"].title == "newcomer"
    assert made["deepseek"].title == "DeepSeek"
    assert plain_stand_ins()["openai"] is OpenAIStandIn


def test_dialect_without_a_stand_in_is_named_with_its_file() -> None:
    with pytest.raises(LookupError, match=r"add sandbox/providers/dialects/nonesuch\.py with a PLAIN"):
        stand_ins_of({"newcomer": "nonesuch", "deepseek": "nonesuch"})
    assert stand_ins_of({"deepseek": "nonesuch"})["deepseek"].title == "DeepSeek"


def test_without_a_list_every_provider_with_a_module_is_served() -> None:
    assert stand_ins_of() == found_stand_ins()


async def test_sandbox_serves_the_providers_that_it_is_given() -> None:
    sandbox = Sandbox(providers={"newcomer": "openai"})
    assert sandbox.provider_urls == {"newcomer": f"{sandbox.url}/providers/newcomer"}
    sandbox._socket.close()
