"""Check of docstring language: no sentence may begin with a question word used as a subject.

`python -m tools.check_language [PATH ...]` prints each offending sentence and exits with 1 if there is one.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

REFUSED = re.compile(r"(What|Who|Whose|Whoever|Whatever|Nobody)\b")

_SENTENCE_END = re.compile(r"(?<=[.:])\s+")
_SKIPPED = {".venv", ".mutants", "versions"}  # installed packages, copies with mutants, migrations
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def refused_sentences(docstring: str) -> list[str]:
    """Return the sentences, and the clauses after a colon, that begin with a refused word."""
    return [part for part in _SENTENCE_END.split(docstring) if REFUSED.match(part)]


def check_file(path: Path) -> list[str]:
    """Return one line `path:line: sentence` for each refused sentence in the docstrings of this file."""
    return [
        f"{path}:{line}: {sentence.splitlines()[0]}"
        for line, docstring in _docstrings(ast.parse(path.read_text(encoding="utf-8")))
        for sentence in refused_sentences(docstring)
    ]


def source_files(paths: list[Path]) -> list[Path]:
    """Return these files, and the Python files under these folders, without installed and generated ones."""
    found = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return sorted(file for file in found if not _SKIPPED.intersection(file.parts))


def main(arguments: list[str]) -> int:
    """Print all findings. Return 1 if there is one, else 0."""
    findings = [line for file in source_files([Path(name) for name in arguments or ["."]]) for line in check_file(file)]
    for line in findings:
        sys.stdout.write(f"{line}\n")
    if findings:
        sys.stdout.write(
            f"{len(findings)} docstring sentences begin with What, Who, Whose or Nobody: name the subject.\n"
        )
    return 1 if findings else 0


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and (docstring := ast.get_docstring(node)):
            yield node.body[0].lineno, docstring


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
