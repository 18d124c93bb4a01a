import pytest

from tests.engine.ward import Ward


@pytest.fixture
def ward() -> Ward:
    return Ward()
