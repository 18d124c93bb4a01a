import pytest

from tests.engine.two_providers import TwoProviders


@pytest.fixture
def providers() -> TwoProviders:
    return TwoProviders()
