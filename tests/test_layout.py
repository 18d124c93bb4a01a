"""Every module with a branch in it, every command and every job has a test module: tests/<path>/test_<module>.py."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGES = ("main", "bot", "web", "scheduler", "documents", "locales", "storage", "engine", "sandbox", "tools")
ALWAYS_TESTED = ("bot/commands/*", "scheduler/jobs/*")
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.IfExp, ast.BoolOp, ast.Match)
WITHOUT_TESTS = (
    "*/__init__.py",
    "storage/tables/*",
    "storage/migrations/*",  # tested together, up and down, in tests/storage/migrations/test_migrations.py
    "storage/migrations/versions/*",
    "engine/providers/addresses/*",  # rows of data, tested together in test_registry.py
)


def modules() -> Iterator[PurePosixPath]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield PurePosixPath(path.relative_to(ROOT).as_posix())


def has_branch(source: str) -> bool:
    return any(
        isinstance(node, BRANCHES) or (isinstance(node, ast.comprehension) and node.ifs)
        for node in ast.walk(ast.parse(source))
    )


def path_of_tests(module: PurePosixPath) -> PurePosixPath:
    """Return the path of the module's tests; `__main__` is tested in test_main.py."""
    return PurePosixPath("tests") / module.parent / f"test_{module.stem.strip('_')}.py"


def lacks_tests(module: PurePosixPath) -> bool:
    if any(module.match(pattern) for pattern in WITHOUT_TESTS) or (ROOT / path_of_tests(module)).exists():
        return False
    return any(module.match(pattern) for pattern in ALWAYS_TESTED) or has_branch((ROOT / module).read_text())


def test_every_module_with_a_branch_has_its_tests() -> None:
    missing = [str(path_of_tests(module)) for module in modules() if lacks_tests(module)]
    assert not missing, f"add these test modules: {', '.join(missing)}"
