"""The command line: `python -m main` runs bot, HTTP and scheduler in one process."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from main import settings as settings_module
from main.config_faults import ConfigError
from main.observability.logs import Redactor, log_uncaught
from main.observability.logs import set_up as set_up_logs
from main.settings import ENV_FILE, Settings
from storage.database.files import make_private

NOTHING_SET = (
    "Nothing to serve yet: neither TELEGRAM_BOT_TOKEN nor a provider key is set. "
    "`make setup` asks for them; `make run` without them starts the sandbox."
)
EPILOG = """\
Without a sub-command: bot, HTTP and scheduler in one process. Without TELEGRAM_BOT_TOKEN: HTTP and scheduler only.
Settings: the environment and .env (see .env.example), farthing.toml (see docs/configuration.md).
"""


def main(arguments: list[str] | None = None) -> int:
    os.umask(0o077)  # files of this process, such as databases and backups, are readable by their owner only
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(Redactor(_settings().secrets()).hide(str(error)), file=sys.stderr)
        return 1
    except Exception as error:
        if not (reason := _database_reason(error)):
            raise
        hidden = Redactor(_settings().secrets()).hide(reason)
        print(f"The database can't be used: {hidden}. `python -m main doctor` says what to do.", file=sys.stderr)
        return 1


def _database_reason(error: Exception) -> str:
    """Return the first line of a driver's error about a database that can't be opened or is damaged; else ''."""
    cause = getattr(error, "orig", None) or error  # SQLAlchemy's errors contain the driver's
    is_drivers = type(cause).__module__.partition(".")[0] in {"sqlite3", "psycopg"}
    is_unusable = type(cause).__name__ in {"OperationalError", "DatabaseError"}
    return (str(cause).splitlines() or [""])[0] if is_drivers and is_unusable else ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m main",
        description="Farthing answers each prompt from the cheapest LLM provider that is up, and charges it exactly.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=lambda _: serve({"bot", "web", "clock"}))
    commands = parser.add_subparsers(title="sub-commands", metavar="COMMAND")
    for name, summary, run in _COMMANDS:
        command = commands.add_parser(name, help=summary, description=summary)
        for argument, options in _ARGUMENTS.get(name, {}).items():
            command.add_argument(argument, **options)
        command.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run everything if a bot token is set, else the sandbox. `make run` does this."""
    return serve({"bot", "web", "clock"}) if _settings().token else sandbox(args)


def serve(parts: set[str]) -> int:
    settings = _settings()
    _set_up_logs(settings)
    from main.processes import has_work, run_parts  # noqa: PLC0415 - `--help` and `audit` need no server

    if not has_work(settings):
        print(NOTHING_SET, file=sys.stderr)
        return 2
    return _run(run_parts(settings, frozenset(parts)))


def sandbox(_: argparse.Namespace) -> int:
    settings = _settings()
    _set_up_logs(settings)
    from main.sandbox import run_sandbox  # noqa: PLC0415

    return _run(run_sandbox(settings))


def migrate(_: argparse.Namespace) -> int:
    settings = _settings()
    from storage.migrations import head, upgrade  # noqa: PLC0415

    upgrade(settings.env.database_url)
    print(f"The database is at revision {head()}.")
    return 0


def setup(_: argparse.Namespace) -> int:
    from main.setup_wizard import run_setup  # noqa: PLC0415

    return run_setup()


def doctor(_: argparse.Namespace) -> int:
    from main.doctor.run import run_doctor  # noqa: PLC0415

    return _run(run_doctor(_settings(secure=False)))


def audit(args: argparse.Namespace) -> int:
    from main.commands import run_audit  # noqa: PLC0415

    return _run(run_audit(_settings(), full=args.full))


def backup(args: argparse.Namespace) -> int:
    from main.commands import run_backup  # noqa: PLC0415

    return run_backup(_settings(), args.folder)


def restore(args: argparse.Namespace) -> int:
    from main.commands import run_restore  # noqa: PLC0415

    return run_restore(_settings(), args.file)


def rollup(args: argparse.Namespace) -> int:
    from main.commands import run_rollup  # noqa: PLC0415

    return _run(run_rollup(_settings(), rebuild=args.rebuild))


def quote(args: argparse.Namespace) -> int:
    from main.quote import run_quote  # noqa: PLC0415

    return _run(run_quote(_settings(), args.prompt, args.model))


def _settings(*, secure: bool = True) -> Settings:
    """Read the settings. `secure`: remove other users' permissions from .env; `doctor` only reports them."""
    settings = settings_module.read()
    log_uncaught(settings.secrets())
    if secure:
        make_private(ENV_FILE)
    return settings


def _set_up_logs(settings: Settings) -> None:
    set_up_logs(settings.env.log_level, settings.env.log_format, settings.secrets())
    logging.captureWarnings(True)
    path = settings.env.farthing_config
    if "FARTHING_CONFIG" in settings.variables and not path.exists():
        logging.getLogger("farthing").warning("FARTHING_CONFIG names %s, which does not exist: defaults are used", path)


def _run(work: Coroutine[Any, Any, int]) -> int:
    from main.lifecycle import new_event_loop  # noqa: PLC0415 - late, as the commands are

    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(work)
    except KeyboardInterrupt:
        return 130


_COMMANDS: tuple[tuple[str, str, Callable[[argparse.Namespace], int]], ...] = (
    ("run", "serve everything, or the sandbox if no bot token is set; `make run` does this", run),
    (
        "web",
        "serve HTTP, and the bot by webhook where PUBLIC_URL is set; several replicas need PostgreSQL",
        lambda _: serve({"web"}),
    ),
    (
        "clock",
        "run the scheduler alone: probes, alerts, renewals; of several processes one leads, the others wait",
        lambda _: serve({"clock"}),
    ),
    ("sandbox", "try everything without a token: a local Telegram and stand-in providers", sandbox),
    ("migrate", "migrate the database to the newest revision", migrate),
    ("setup", "go live: ask for the bot token and provider keys, check them, write .env", setup),
    ("doctor", "check token, admins, keys, database, disk, clock and webhook, and say how to mend a fault", doctor),
    (
        "audit",
        "check the ledger; exit 1 with the rows that break a rule, 2 if the database can't be read",
        audit,
    ),
    ("backup", "copy the database, verify the copy, keep the newest ones; safe while Farthing runs", backup),
    ("restore", "replace the database by a backup; the old database is kept beside it", restore),
    ("rollup", "add up the journal by day, as the scheduler does; --rebuild deletes the sums first", rollup),
    ("quote", "quote a prompt: its expected cost at each offer, now", quote),
)

_ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "audit": {"--full": {"action": "store_true", "help": "check every row, not only the new ones"}},
    "backup": {"folder": {"nargs": "?", "default": "", "help": "the folder of the copy (default: [backup] folder)"}},
    "restore": {"file": {"help": "a file that `backup` made"}},
    "rollup": {"--rebuild": {"action": "store_true", "help": "delete the sums first"}},
    "quote": {
        "prompt": {"help": "the prompt to price"},
        "--model": {"default": "auto", "help": "a model as tenants ask for it (default: auto)"},
    },
}

if __name__ == "__main__":
    sys.exit(main())
