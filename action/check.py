"""What action.yml runs: specs and budgets are checked, and a pull request is commented on.

Reads SPECS, BASE, COMMENT and NUMBER; asks git for files and revisions, and GitHub by `gh api`.
Names and texts of a pull request are anybody's: they are shown, and never run.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from archcalc import check, diff
from archcalc.errors import ArchcalcError, UsageError
from archcalc.render.escape import markdown
from archcalc.render.numbers import counted
from archcalc.spec.library import read_family

_MARK = "<!-- archcalc: this comment is written anew with each push -->"
_MOST = 60_000  # characters; GitHub takes 65,536
_ITSELF = "github-actions[bot]"  # whose comments the token of a workflow writes


class Section(NamedTuple):
    """What became of a network, as Markdown; `changed` of how many that is said."""

    text: str
    changed: int = 1


def main() -> int:
    """Checks, compares, comments; 1 where a spec is wrong or a budget broken."""
    specs = _specs()
    with _unread_by_the_runner():
        print(counted(len(specs), "spec"))
        wrong = [problem for path in specs for problem in _problems(path)]
        print("\n".join(wrong))
    base = os.environ.get("BASE", "")
    sections = [*_changes(specs, base)] if base and _fetched(base) else []
    changed = sum(section.changed for section in sections)
    text = _comment(wrong, sections, len(specs))
    for variable, line in (
        ("GITHUB_STEP_SUMMARY", text), ("GITHUB_OUTPUT", f"changed={changed}"),
    ):  # fmt: skip
        if os.environ.get(variable):
            with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
    if os.environ.get("COMMENT") == "true" and os.environ.get("NUMBER"):
        _write(f"{_MARK}\n{text}", if_there=not (wrong or changed))
    return 1 if wrong else 0


# ----- the specs -----


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)


def _listed(*arguments: str) -> list[str]:
    """Specs that git lists, of the patterns in SPECS."""
    patterns = [line.strip() for line in os.environ["SPECS"].splitlines() if line.strip()]
    found = _git(*arguments, "-z", "--", *patterns)
    if found.returncode:
        sys.exit(f"git: {found.stderr.strip()}")
    names = found.stdout.split("\0")
    return [f"./{name}" for name in names if name.endswith((".yaml", ".yml")) and "\n" not in name]


def _specs() -> list[str]:
    """The files, as paths that nothing takes for an option or a revision."""
    found = [path for path in _listed("ls-files") if Path(path).is_file()]
    if not found:
        sys.exit("no file of git's is called as `specs` says")
    return found


def _problems(path: str) -> list[str]:
    """What is wrong with a spec, a message each."""
    if Path(path).is_symlink():  # what it leads to on this machine is not for a comment
        return [f"{path} is a link, and is not followed"]
    try:
        return [str(problem) for problem in check(path).found.problems]
    except (ArchcalcError, RecursionError) as error:
        return [str(error)]


def _fetched(base: str) -> bool:
    """Whether the revision is there; a shallow checkout has to fetch it first."""
    if base.startswith("-"):
        sys.exit("no revision begins with a dash")
    there = ("cat-file", "-e", f"{base}^{{commit}}")
    if _git(*there).returncode:
        _git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", base)
    return _git(*there).returncode == 0


# ----- what changes -----


def _changes(specs: list[str], base: str) -> Iterator[Section]:
    """A section for each network that is new, gone or different."""
    for path in specs:
        old = f"{base}:{path}"
        before, after = _variants(old), _variants(path)
        if not after:
            continue  # which `check` has said
        if before is None:
            yield Section(f"{_code(path[2:])} is new: {_told(after)}", len(after))
            continue
        for name in (name for name in after if name in before):
            yield from _difference(old, path, name, len(after) > 1)
        for what, names in (
            ("new", [name for name in after if name not in before]),
            ("gone", [name for name in before if name not in after]),
        ):
            if names:
                yield Section(f"{_code(path[2:])}: {what} {_told(names)}", len(names))
    for path in _listed(
        "diff", "--name-only", "--no-ext-diff", "--no-renames", "--diff-filter=D", base
    ):
        yield Section(f"{_code(path[2:])} is gone")


def _variants(path: str) -> list[str] | None:
    """The networks of a file, none of one that is wrong; None where it is not there."""
    if Path(path).is_symlink():
        return []
    try:
        return [*read_family(path).networks]
    except UsageError:
        return None
    except (ArchcalcError, RecursionError):
        return []


def _difference(old: str, new: str, name: str, several: bool) -> Iterator[Section]:
    try:
        found = diff(f"{old}#{name}", f"{new}#{name}")
    except UsageError as error:
        yield Section(f"{_code(new[2:])}: {markdown(str(error))}", 0)
    except (ArchcalcError, RecursionError):
        return  # a layer that does not fit, which `check` has said, or which is mended
    else:
        if not found.found.is_empty:
            heading = f"### {_code(new[2:])}" + (f", {_code(name)}" if several else "")
            yield Section(f"{heading}\n\n{found.to_markdown()}")


def _told(names: list[str]) -> str:
    return ", ".join(map(_code, names))


def _code(name: str) -> str:
    """A name as it is, where nothing in it is a sign of Markdown's."""
    return f"**{markdown(name)}**"


def _comment(wrong: list[str], sections: list[Section], specs: int) -> str:
    """What is wrong first, then what changed, as much of it as a comment holds."""
    head = "## archcalc\n\n"
    if wrong:
        head += "Wrong:\n\n" + "\n".join(f"- {markdown(' '.join(w.split())[:500])}" for w in wrong)
        head = head[: _MOST // 2]
    else:
        files = "1 file of specs is" if specs == 1 else f"{specs} files of specs are"
        head += f"{files} right, and the budgets are kept."
    shown, left = [head], _MOST - len(head)
    for place, section in enumerate(sections):
        if len(section.text) > left:
            shown.append(f"… and {len(sections) - place} more, which this comment has no room for.")
            break
        shown.append(section.text)
        left -= len(section.text) + 2
    if not sections:
        shown.append("No network changes.")
    return "\n\n".join(shown)


# ----- GitHub -----


def _write(text: str, *, if_there: bool) -> None:
    """Writes the comment, in place of the one that is there; only then, with `if_there`."""
    comments = (
        f"repos/{os.environ['GITHUB_REPOSITORY']}/issues/{int(os.environ['NUMBER'])}/comments"
    )
    found = _api(comments, "--paginate", "--slurp")
    if found is None:
        return
    own = [
        comment["id"]
        for page in found
        for comment in page
        if comment["user"]["login"] == _author() and comment["body"].startswith(_MARK)
    ]
    if own:
        one = f"repos/{os.environ['GITHUB_REPOSITORY']}/issues/comments/{int(own[0])}"
        _api(one, "--method", "PATCH", body=text)
    elif not if_there:
        _api(comments, "--method", "POST", body=text)


def _author() -> str:
    """Who writes with the token: a workflow's own may not ask, and writes as itself."""
    found = subprocess.run(["gh", "api", "user"], capture_output=True, text=True, check=False)
    return str(json.loads(found.stdout)["login"]) if found.returncode == 0 else _ITSELF


def _api(path: str, *arguments: str, body: str | None = None) -> Any:
    """What GitHub answers; None, with a warning, where it refuses, as it does for forks."""
    given = [] if body is None else ["--input", "-"]
    done = subprocess.run(
        ["gh", "api", path, *arguments, *given],
        input=None if body is None else json.dumps({"body": body}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print("::warning::archcalc may not write a comment here (a fork's pull request, or no "
              "`pull-requests: write`); the summary of the job has it")  # fmt: skip
        return None
    return json.loads(done.stdout)


@contextmanager
def _unread_by_the_runner() -> Iterator[None]:
    """Within it, the runner takes no line of the output for one of its commands."""
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}")
    try:
        yield
    finally:
        print(f"::{word}::")


if __name__ == "__main__":
    sys.exit(main())
