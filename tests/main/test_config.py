"""farthing.toml: defaults, and the errors of wrong keys and values."""

from pathlib import Path

import pytest

from main.config import Config, load
from main.config_faults import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "farthing.toml"
    path.write_text(text)
    return path


def test_defaults_have_four_plans(tmp_path: Path) -> None:
    config = load(tmp_path / "farthing.toml")
    assert config == Config()
    assert list(config.plans) == ["free", "starter", "pro", "scale"]


def test_one_key_of_a_plan_can_be_replaced(tmp_path: Path) -> None:
    plan = load(written(tmp_path, "[plans.free]\ntokens_per_month = 5\n")).plans["free"]
    assert (plan.tokens_per_month, plan.requests_per_minute) == (5, 6)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[helth]\n", "helth"),
        ("[models.auto]\nusd_per_mtok = 5.5\n", "models.auto.usd_per_mtok"),
        ('[models.auto]\nusd_per_mtok = "0.0000000001"\n', "models.auto.usd_per_mtok"),
        ('[models.auto]\nusd_per_mtok = "5"\nmarkup = "1.4"\n', "models.auto"),
        ('[prices."a/b"]\noutput = "1"\n', 'prices."a/b".input'),
        ('[providers.box]\nbase_url = "http://127.0.0.1/v1"\ndialect = "cobol"\n', "providers.box.dialect"),
        ('[access]\nmode = "shut"\n', "access.mode"),
        ('[alerts]\ntime_zone = "Mars/Olympus"\n', "alerts.time_zone"),
        ("[every]\nleast_hours = 0\n", "every.least_hours"),
    ],
)
def test_wrong_key_or_value_names_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: {key}: ")


def test_invalid_toml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not valid TOML: .*line 1"):
        load(written(tmp_path, "models = = 1"))
