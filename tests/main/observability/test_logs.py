"""Log lines: their formats, and no secret in any of them."""

import json
import logging
import sqlite3
import sys
import threading
from urllib.parse import quote

import pytest

from main.observability import logs
from main.observability.logs import ConsoleLines, JsonLines, Redacting, log_uncaught
from tests.processor_time import units_of

TOKEN = "1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"


def record(message: str, *, with_traceback: bool = False) -> logging.LogRecord:
    error = None
    if with_traceback:
        try:
            int(message)
        except ValueError:
            error = sys.exc_info()
    return logging.LogRecord("farthing", logging.WARNING, __file__, 1, message, None, error)


@pytest.mark.parametrize("secret", ["s3cret-one", "s3cret-one-longer"])
def test_known_secrets_are_hidden(secret: str) -> None:
    formatter = Redacting(logging.Formatter(), ["s3cret-one", "s3cret-one-longer"])
    assert formatter.format(record(f"the key {secret} was refused")) == "the key [hidden] was refused"


def test_short_values_are_no_secrets() -> None:
    """Hiding an empty or short setting would hide ordinary text."""
    assert Redacting(logging.Formatter(), ["", "k", "local"]).format(record("a local key")) == "a local key"


@pytest.mark.parametrize(
    "secret",
    [TOKEN, "fk-" + "a" * 43, "sk-" + "a" * 20, "AIza" + "b" * 35, "gsk_" + "c" * 20],
    ids=["telegram", "ours", "openai", "google", "groq"],
)
def test_text_that_looks_like_a_secret_is_hidden(secret: str) -> None:
    line = Redacting(logging.Formatter(), []).format(record(f"https://api/bot{secret} x {secret}"))
    assert f" {secret}" not in line
    assert line.endswith("x [hidden]")


def test_credentials_of_any_address_are_hidden() -> None:
    line = Redacting(logging.Formatter(), []).format(record("can't reach postgres://me:pw@db/x and http://host:80/@x"))
    assert line == "can't reach postgres://[hidden]@db/x and http://host:80/@x"


@pytest.mark.parametrize("credentials", ["me:pw", ":pw", "me:p:w", "me::"])
def test_credentials_are_hidden_whole(credentials: str) -> None:
    line = Redacting(logging.Formatter(), []).format(record(f"http://{credentials}@x"))
    assert line == "http://[hidden]@x"


@pytest.mark.parametrize("part", [":", "a:", "1:", "11111:a", "://a:", "fk-", "sk-a", "1"])
def test_line_of_any_length_is_searched_in_linear_time(part: str) -> None:
    formatter = Redacting(logging.Formatter(), [])
    line = record("http://" + part * (40_000 // len(part)))
    assert units_of(lambda: formatter.format(line), 20) < 20


@pytest.mark.parametrize("style", [JsonLines(), logging.Formatter()])
@pytest.mark.parametrize("secret", ['quo"ted-pass', "back\\slash-pass", "at@sign/pass", "grün-pass"])
def test_secret_is_hidden_in_each_of_its_spellings(style: logging.Formatter, secret: str) -> None:
    line = Redacting(style, [secret]).format(record(f"{secret} {secret!r} {quote(secret, safe='')}"))
    assert line.count("[hidden]") == 3
    assert "pass" not in line


def test_secrets_in_a_traceback_are_hidden() -> None:
    line = Redacting(JsonLines(), ["s3cret-one"]).format(record("s3cret-one", with_traceback=True))
    assert "s3cret-one" not in line
    assert "base 10: '[hidden]'" in json.loads(line)["traceback"]


def test_json_line_has_time_level_logger_and_message() -> None:
    line = json.loads(JsonLines().format(record("Größe")))
    assert (line["level"], line["logger"], line["message"]) == ("warning", "farthing", "Größe")
    assert line["time"].endswith("+00:00")
    assert "traceback" not in line


@pytest.mark.parametrize(("style", "is_json"), [("json", True), ("console", False)])
def test_set_up_logs_in_the_chosen_format(capsys: pytest.CaptureFixture[str], style: str, *, is_json: bool) -> None:
    logs.set_up("INFO", style, ["s3cret-one"])
    logging.getLogger("farthing").info("with s3cret-one")
    logging.getLogger("farthing").debug("not shown")
    logging.getLogger("httpx").info("not shown: it would show URLs")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("{") is is_json
    assert "with [hidden]" in line


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b", "\0", "\x85", "\x9b", "\u2028", "\u202e", "\u2066"])
def test_text_within_a_message_can_not_imitate_a_line_or_move_the_cursor(sign: str) -> None:
    line = ConsoleLines().format(record(f"refused: x{sign}12:00:00 INFO    farthing: all is well"))
    assert sign not in line
    assert len(line.splitlines()) == 1
    assert "x" + ascii(sign)[1:-1] in line


def test_lines_of_a_traceback_are_indented() -> None:
    _, *lines = ConsoleLines().format(record("12:00:00 INFO    farthing: ok\x1b[2K", with_traceback=True)).splitlines()
    assert lines[0] == "  Traceback (most recent call last):"
    assert all(line.startswith("  ") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_tabs_and_other_scripts_are_kept() -> None:
    assert ConsoleLines().format(record("phở\t東京 🍵")).endswith("phở\t東京 🍵")


@pytest.fixture
def _hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the hooks for uncaught errors."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)


@pytest.mark.usefixtures("_hooks")
def test_uncaught_error_is_printed_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    log_uncaught(["s3cret-one"])
    sys.excepthook(ValueError, ValueError("postgres://u:s3cret-one@db"), None)
    printed = capsys.readouterr().err
    assert "ValueError: postgres://[hidden]@db" in printed
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_hooks")
def test_uncaught_error_of_a_thread_is_logged_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", "json", ["s3cret-one"])
    log_uncaught(["s3cret-one"])

    def fail() -> None:
        raise ValueError("s3cret-one")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["message"]) == ("critical", "uncaught error")
    assert "ValueError: [hidden]" in line["traceback"]


@pytest.mark.parametrize("cause", [True, False])
def test_database_in_trouble_is_one_line(cause: bool) -> None:
    error: Exception = sqlite3.OperationalError("database or disk is full\nand more")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL  # type: ignore[attr-defined]
    if cause:
        inner, error = error, ValueError("a library's")
        error.__cause__ = inner
    found = (type(error), error, None)
    line = logging.LogRecord("x", logging.ERROR, __file__, 1, "job %s failed", ("alerts",), found)
    said = Redacting(logging.Formatter(), []).format(line)
    assert said == "job alerts failed: database or disk is full"
    assert line.exc_info is not None  # other handlers get it whole
