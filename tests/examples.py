"""The examples of the documentation: found in its pages, run, and written anew.

In a page, a block of `console` has commands, each behind `$ ` and followed by what it prints on
both streams; one of `pycon` has Python. A block of `yaml` that begins with `name: NET`, and one of
`python` that begins with `# FILE.py`, is a file, which all examples below it find in their folder.
"""

from __future__ import annotations

import doctest
import importlib
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests import quick_commands

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(set(DOCS.rglob("*.md")) - set((DOCS / "examples").rglob("*.md")))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = {
    "yaml": (re.compile(r"name: *(\S+)\n"), "{}.yaml"),
    "python": (re.compile(r"# (\w+\.py)\n"), "{}"),
}


class Example(NamedTuple):
    """A command or a block of Python, what the page says it prints, and the files it finds."""

    text: str
    printed: str
    files: dict[str, str]
    run: Callable[[str, dict[str, str], Path], str]
    start: int  # in the page, where what it prints stands
    end: int

    def prints(self) -> str:
        """What it prints now."""
        with tempfile.TemporaryDirectory() as folder:
            return self.run(self.text, self.files, Path(folder))


def examples(text: str) -> Iterator[Example]:
    """The examples of a page, in order."""
    files: dict[str, str] = {}
    for block in BLOCK.finditer(text):
        language, content = block.groups()
        start, end = block.span(2)
        if language == "console":
            for command in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", content, re.MULTILINE):
                first, last = command.span(2)
                place = (start + first, start + last)
                yield Example(command[1], command[2], dict(files), of_command, *place)
        elif language == "pycon":
            yield Example(content, content, dict(files), of_python, start, end)
        else:
            files |= _file(language, content)


def specs(text: str) -> list[str]:
    """The specs of a page, in order."""
    return [
        content
        for language, content in BLOCK.findall(text)
        if language == "yaml" and _file(language, content)
    ]


def _file(language: str, content: str) -> dict[str, str]:
    named, pattern = _FILE.get(language, (None, ""))
    name = named.match(content) if named is not None else None
    return {pattern.format(name[1]): content} if name else {}


def of_command(command: str, files: dict[str, str], folder: Path) -> str:
    """What a line of bash prints on both streams, run in a folder with the files."""
    _write(files, folder)
    scripts = [str(quick_commands.folder()), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = os.environ | {"PATH": os.pathsep.join(scripts)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True
    )
    printed = (done.stdout + done.stderr).rstrip("\n")
    return f"{printed}\n" if printed else ""


def of_python(block: str, files: dict[str, str], folder: Path) -> str:
    """A block as a prompt of Python shows it, run in a folder with the files."""
    _write(files, folder)
    parsed = doctest.DocTestParser().parse(block)
    found = [part for part in parsed if isinstance(part, doctest.Example)]
    runner = _Recorder()
    with chdir(folder), _importable(folder):
        runner.run(doctest.DocTest(found, {}, "block", None, 0, block), out=lambda text: None)
    shown = iter(runner.shown)
    return "".join(
        part if isinstance(part, str) else _prompted(part.source) + next(shown) for part in parsed
    )


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Has the files of a folder be modules, for as long as a block runs."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(folder))
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)


def _write(files: dict[str, str], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def _prompted(source: str) -> str:
    first, *others = source.splitlines()
    return f">>> {first}\n" + "".join(f"... {line}".rstrip() + "\n" for line in others)


class _Recorder(doctest.DocTestRunner):
    """Keeps what each example shows, right or not."""

    def __init__(self) -> None:
        super().__init__(verbose=False)
        self.shown: list[str] = []

    def report_success(self, out: Any, test: Any, example: Any, got: str) -> None:
        self.shown.append(got)

    def report_failure(self, out: Any, test: Any, example: Any, got: str) -> None:
        self.shown.append(got)

    def report_unexpected_exception(self, out: Any, test: Any, example: Any, exc_info: Any) -> None:
        last = "".join(traceback.format_exception_only(*exc_info[:2]))
        self.shown.append(f"Traceback (most recent call last):\n  ...\n{last}")


def written_anew(text: str) -> str:
    """A page with what its examples print now."""
    made, done = "", 0
    for example in examples(text):
        made += text[done : example.start] + example.prints()
        done = example.end
    return made + text[done:]
