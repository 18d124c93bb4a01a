"""The text of a PDF, extracted in a child process with limits: a hostile file can't exhaust this process.

As a script this module reads a PDF from stdin and writes its text to stdout.
"""

import asyncio
import io
import resource
import sys
from pathlib import Path

MOST_PAGES = 200
MOST_CHARS = 200_001
MOST_SECONDS, MOST_BYTES = 20, 1_000_000_000
AT_ONCE = 2
_ROOT = Path(__file__).resolve().parents[2]
_slots = asyncio.Semaphore(AT_ONCE)


async def text_of(data: bytes) -> str | None:
    """Return at most MOST_CHARS of the text; None if this is no PDF or takes too much time or memory."""
    async with _slots:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.chat.pdf",
            cwd=_ROOT,
            env={"PYTHONIOENCODING": "utf-8"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(MOST_SECONDS):
                text, _ = await child.communicate(data)
        except TimeoutError:
            return None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    return text.decode("utf-8", "replace") if child.returncode == 0 else None


def main() -> None:
    """Extract the text from stdin to stdout, within limits on memory and CPU time."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    from pypdf import PdfReader  # noqa: PLC0415 - only the child needs it

    found, length = [], 0
    for page in PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages[:MOST_PAGES]:
        found.append(page.extract_text())
        length += len(found[-1])
        if length >= MOST_CHARS:
            break
    text = "\n\n".join(found)[:MOST_CHARS]
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
