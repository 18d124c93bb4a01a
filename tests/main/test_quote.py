"""`python -m main quote`, run in a subprocess."""

from pathlib import Path

from tests.main.test_main import ran


def test_quote_lists_chosen_and_dropped_offers(tmp_path: Path) -> None:
    done = ran(tmp_path, "quote", "Explain tea", GEMINI_API_KEY="g", OPENAI_API_KEY="o")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    chosen = [line for line in lines if line.endswith("chosen")]
    assert [line.split()[0] for line in chosen] == ["gemini/gemini-2.5-flash-lite"]
    assert chosen[0].split()[1:3] == ["0.1000", "0.4000"]
    assert any(line.startswith("openai/gpt-4o ") and line.endswith("last resort") for line in lines)
    assert any(line.startswith("deepseek/") and line.endswith("not configured") for line in lines)


def test_quote_without_keys_chooses_no_offer_and_exits_1(tmp_path: Path) -> None:
    done = ran(tmp_path, "quote", "Explain tea")
    assert done.returncode == 1
    assert "chosen" not in done.stdout
