"""The command line and composition root: `python -m main` is everything in one process."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from main import settings as settings_module
from main.config import ConfigError
from main.settings import Settings

NOTHING_SET = (
    "Nothing to serve yet: neither TELEGRAM_BOT_TOKEN nor a provider key is set. "
    "`make setup` asks for them; `make run` without them starts the sandbox."
)
EPILOG = """\
Without a sub-command: bot, HTTP and clock in one process. Without TELEGRAM_BOT_TOKEN: HTTP and clock only.
Settings: the environment and .env (see .env.example), farthing.toml (see docs/configuration.md).
"""


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m main",
        description="Farthing: every prompt answered by the cheapest LLM provider that is up, and booked exactly.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=lambda _: serve({"bot", "web", "clock"}))
    commands = parser.add_subparsers(title="sub-commands", metavar="")
    for name, words, run in _COMMANDS:
        command = commands.add_parser(name, help=words, description=words)
        for argument, how in _ARGUMENTS.get(name, {}).items():
            command.add_argument(argument, **how)
        command.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """What `make run` does: the real thing with a token, the sandbox without one."""
    return serve({"bot", "web", "clock"}) if _settings().token else sandbox(args)


def serve(parts: set[str]) -> int:
    settings = _settings()
    _log(settings)
    from main.processes import is_served, live  # noqa: PLC0415 - `--help` and `audit` need none of it

    if not is_served(settings):
        print(NOTHING_SET, file=sys.stderr)
        return 2
    return _asyncio(live(settings, parts))


def sandbox(_: argparse.Namespace) -> int:
    settings = _settings()
    _log(settings)
    from main.processes import play  # noqa: PLC0415

    return _asyncio(play(settings))


def migrate(_: argparse.Namespace) -> int:
    settings = _settings()
    from storage.migrations import head, upgrade  # noqa: PLC0415

    upgrade(settings.env.database_url)
    print(f"The database is at revision {head()}.")
    return 0


def setup(_: argparse.Namespace) -> int:
    from main.setup_wizard import set_up  # noqa: PLC0415

    return set_up()


def audit(args: argparse.Namespace) -> int:
    from main.commands import audited  # noqa: PLC0415

    return _asyncio(audited(_settings(), full=args.full))


def backup(args: argparse.Namespace) -> int:
    from main.commands import backed_up  # noqa: PLC0415

    return backed_up(_settings(), args.folder)


def restore(args: argparse.Namespace) -> int:
    from main.commands import restored  # noqa: PLC0415

    return restored(_settings(), args.file)


def rollup(args: argparse.Namespace) -> int:
    from main.commands import rolled_up  # noqa: PLC0415

    return _asyncio(rolled_up(_settings(), rebuild=args.rebuild))


def quote(args: argparse.Namespace) -> int:
    from main.commands import quoted  # noqa: PLC0415

    return _asyncio(quoted(_settings(), args.prompt, args.model))


def _settings() -> Settings:
    return settings_module.read()


def _log(settings: Settings) -> None:
    from main import logs  # noqa: PLC0415

    logs.set_up(settings.env.log_level, settings.env.log_format, settings.secrets())
    logging.captureWarnings(True)
    if "FARTHING_CONFIG" in settings.variables and not settings.env.farthing_config.exists():
        logging.getLogger("farthing").warning("FARTHING_CONFIG names %s, which is not there: every default stands",
                                              settings.env.farthing_config)  # fmt: skip


def _asyncio(work: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        return 130


_COMMANDS: tuple[tuple[str, str, Callable[[argparse.Namespace], int]], ...] = (
    ("run", "what `make run` does: everything, or the sandbox where no bot token is set", run),
    ("web", "the HTTP face alone", lambda _: serve({"web"})),
    ("clock", "the clock alone: probes, alerts, renewals", lambda _: serve({"clock"})),
    ("sandbox", "a local Telegram with stand-in providers, to try everything without a token", sandbox),
    ("migrate", "bring the database up to date", migrate),
    ("setup", "go live: asks for the bot token and provider keys, checks them, writes .env", setup),
    (
        "audit",
        "check the books; exit 1 and the rows when something is off, 2 when that couldn't be checked",
        audit,
    ),
    ("backup", "copy the SQLite database, prove the copy, keep the last few; safe while Farthing runs", backup),
    ("restore", "put a backup in the database's place; the old one is kept beside it", restore),
    ("rollup", "sum the journal up per day, as the clock does; --rebuild drops the sums first", rollup),
    ("quote", "what each offer would cost for a prompt, now", quote),
)

_ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "audit": {"--full": {"action": "store_true", "help": "everything again, not only what is new"}},
    "backup": {"folder": {"nargs": "?", "default": "", "help": "where to (default: [backup] folder)"}},
    "restore": {"file": {"help": "a file that `backup` made"}},
    "rollup": {"--rebuild": {"action": "store_true", "help": "drop them first"}},
    "quote": {
        "prompt": {"help": "the prompt to price"},
        "--model": {"default": "auto", "help": "a model as tenants ask for it (default: auto)"},
    },
}

if __name__ == "__main__":
    sys.exit(main())
