"""Check of /openapi.json against the server's answers with schemathesis, with a tenant's key and the admin key.

`python -m tools.api_check [EXAMPLES] [MORE ARGUMENTS OF SCHEMATHESIS]`; the exit code is 1 if a check failed.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from sandbox.app import Sandbox
from tests.web.conftest import ADMIN_KEY, RunningApi, serving

EXAMPLES = "20"
PROGRAM = Path(sys.executable).with_name("schemathesis")


async def check(examples: str = EXAMPLES, *more: str) -> int:
    """Serve the app with stand-in providers; return 1 if schemathesis finds a fault with either key, else 0."""
    with tempfile.TemporaryDirectory() as folder:
        async with Sandbox(word_seconds=0) as sandbox, serving(Path(folder), sandbox) as api:
            keys = (await api.make_key(usd="1000"), ADMIN_KEY)
            failed = [key for key in keys if await run(api, key, examples, *more, folder=folder)]
    return 1 if failed else 0


async def run(api: RunningApi, key: str, examples: str, *more: str, folder: str) -> int:
    """Return schemathesis's exit code; its files are left in `folder`.

    The seed is fixed, so that a failure can be reproduced.
    """
    arguments = (
        "run",
        f"{api.url}/openapi.json",
        *("--header", f"Authorization: Bearer {key}"),
        *("--max-examples", examples),
        *("--seed", "1"),
        *("--generation-database", "none"),
        "--continue-on-failure",
        *more,
    )
    process = await asyncio.create_subprocess_exec(str(PROGRAM), *arguments, cwd=folder)
    return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(check(*sys.argv[1:])))
