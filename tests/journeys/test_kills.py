"""SIGKILL on a real process: the next process finishes its work, once."""

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.app import Sandbox
from sandbox.telegram.flood import FloodControl
from sandbox.telegram.world import Message
from storage.database.database import open_database
from storage.operations.audit import audit
from tests.databases import migrated_database
from tests.journeys.conftest import ANN, CONFIG

QUESTION = "please tell me at length about the sea"
SECONDS = 60


@dataclass(slots=True)
class Program:
    """`python -m main` in a folder of its own, talking to a sandbox of this process."""

    folder: Path
    sandbox: Sandbox
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        sandbox = self.sandbox
        variables = {
            "TELEGRAM_BOT_TOKEN": sandbox.token,
            "TELEGRAM_API_URL": sandbox.telegram_url,
            "DATABASE_URL": f"sqlite:///{self.folder}/farthing.db",
            "FARTHING_CONFIG": str(self.folder / "farthing.toml"),
            "DEEPSEEK_BASE_URL": sandbox.provider_urls["deepseek"],
            "DEEPSEEK_API_KEY": "k",
            "PORT": "0",
        }
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "main",
            "run",
            env={**os.environ, **variables},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.folder}/farthing.db?mode=ro", uri=True)) as raw:
            return raw.execute(sql).fetchall()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                await asyncio.sleep(0.02)

    async def answered(self, number: int) -> list[Message]:
        """Wait for this number of answers from the model."""
        await self.until(lambda: len(self.answers()) >= number)
        return self.answers()

    def answers(self) -> list[Message]:
        return [each for each in self.sandbox.world.messages(ANN) if "stand-in" in str(each.get("text", ""))]

    async def check_books(self) -> None:
        async with open_database(f"sqlite:///{self.folder}/farthing.db") as db:
            report = await db.read(audit)
        assert report.ok, report.problems


def prepared(folder: Path, sandbox: Sandbox) -> Program:
    (folder / "farthing.toml").write_text(CONFIG)
    (folder / "farthing.db").write_bytes(migrated_database())
    sandbox.world.flood_control = FloodControl(lambda: 1000 * time.monotonic())
    return Program(folder, sandbox)


async def test_answer_of_a_killed_process_that_no_chat_takes_is_given_back_once(tmp_path: Path) -> None:
    async with Sandbox(word_seconds=0.0) as sandbox:
        program, world = prepared(tmp_path, sandbox), sandbox.world
        await program.start()
        world.say(ANN, ANN, "/start")
        await world.wait_message(ANN, lambda message: message["from"]["is_bot"])
        world.flood_control = FloodControl(time.monotonic)
        world.flood_control.ban(ANN, 3600)  # the answer is charged and can't be sent yet
        world.say(ANN, ANN, QUESTION)
        await program.until(lambda: program.rows("SELECT 1 FROM holds WHERE state = 'captured'"))
        await program.kill()
        assert program.rows("SELECT * FROM returned_charges") == []
        world.blocked.add(ANN)
        world.flood_control = FloodControl(lambda: 1000 * time.monotonic())
        await program.start()
        await program.until(lambda: program.rows("SELECT 1 FROM returned_charges"))
        await program.kill()
        assert len(program.rows("SELECT * FROM returned_charges")) == 1
        await program.check_books()


async def test_question_of_a_button_is_asked_once_though_the_process_is_killed_meanwhile(tmp_path: Path) -> None:
    async with Sandbox(word_seconds=0.0) as sandbox:
        program, world = prepared(tmp_path, sandbox), sandbox.world
        await program.start()
        world.say(ANN, ANN, QUESTION)
        (answer, *_) = await program.answered(1)
        again = answer["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
        await program.until(lambda: program.rows("SELECT 1 FROM questions WHERE state = 'answered'"))
        sandbox.stand_ins._word_seconds = 0.2
        world.press(ANN, ANN, answer["message_id"], again)
        await program.until(lambda: program.rows("SELECT 1 FROM holds WHERE state = 'open'"))
        await program.kill()
        sandbox.stand_ins._word_seconds = 0.0
        await program.start()
        await program.until(lambda: len(program.rows("SELECT 1 FROM holds WHERE state = 'captured'")) == 2)
        await program.answered(2)
        await program.kill()
        assert program.rows("SELECT answers FROM questions") == [(2,)]
        assert program.rows("SELECT COUNT(*) FROM attempts WHERE kept") == [(2,)]
        await program.check_books()
