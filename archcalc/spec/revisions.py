"""Specs as they stand in a revision of git: `REV:PATH`, with all that git takes as either.

git is asked for objects alone, by `cat-file`: it checks nothing out, and runs no hook, filter or
textconv. What is asked for goes in on standard input, where nothing is an option.
"""

from __future__ import annotations

import os
import re
import subprocess

from archcalc.errors import Source, UsageError
from archcalc.record import replace
from archcalc.spec.reader import decoded, require_small

# Of what the settings of a repository may have git run, all that could be run here; and an object
# that a partial clone lacks is not fetched, which might run what its remote is set to.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
_AROUND = {
    "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
}  # fmt: skip
_OBJECT = re.compile(r"(?P<id>[0-9a-f]{40,64}) (?P<type>[a-z]+) (?P<size>[0-9]+)")
_STAGE = re.compile(r":([0-3]:)?")  # of the index
_LINKS = {
    "symlink": "that link leads out of the repository",
    "dangling": "that link leads nowhere",
    "loop": "that link leads to itself",
    "notdir": "a part of that path is a file",
}


def read_in_revision(name: str) -> Source:
    """The text of `REV:PATH`.

    Raises:
        UsageError: there is no git, repository, revision or path, or it is no file; in git's words
            where it has some.
        SpecError: it is too large, or not UTF-8.
    """
    revision, path = _split(name)
    return replace(decoded(_read(name), name), path=path, revision=revision)


def _split(name: str) -> tuple[str, str]:
    """`HEAD:net.yaml` as ("HEAD:", "net.yaml"), at the colon that git splits it at.

    Raises:
        UsageError: there is none.
    """
    stage = _STAGE.match(name)
    if stage is not None:
        return stage[0], name[stage.end() :]
    depth = 0
    for place, sign in enumerate(name):
        depth += (sign == "{") - (sign == "}")
        if sign == ":" and depth == 0:
            return name[: place + 1], name[place + 1 :]
    raise _refused(name, "no such file")


def _read(name: str) -> bytes:
    if "\n" in name or "\0" in name:
        raise _refused(name, "no path has a line break")
    if name.startswith("-"):
        raise _refused(name, "no revision begins with a dash")
    asked = _git(name, "cat-file", "--batch-check", "--follow-symlinks", given=name)
    if asked.returncode:
        raise _refused(name, _said(asked))
    line = asked.stdout.decode(errors="replace").partition("\n")[0]
    found = _OBJECT.fullmatch(line)
    if found is None:
        link = None if line.endswith(" missing") else _LINKS.get(line.partition(" ")[0])
        # A batch says no more than that it is missing.
        raise _refused(name, link or _said(_git(name, "rev-parse", "--end-of-options", name)))
    if found["type"] != "blob":
        raise _refused(name, f"that is a {found['type']}")
    require_small(int(found["size"]), name)
    done = _git(name, "cat-file", "blob", found["id"])
    if done.returncode:
        raise _refused(name, _said(done))
    return done.stdout


def _git(name: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
    """What git answers; `given` is a line on its standard input."""
    try:
        return subprocess.run(
            [*_GIT, *arguments],
            input=os.fsencode(f"{given}\n"),
            capture_output=True,
            env={**os.environ, **_AROUND},
            check=False,
        )
    except FileNotFoundError:
        raise _refused(name, "git is not installed") from None
    except UnicodeEncodeError:
        raise _refused(name, "not UTF-8 text") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What git says is wrong, and its hint, in a line."""
    lines = done.stderr.decode(errors="replace").splitlines()
    said = [re.sub("^(fatal|error|hint): ", "", line).rstrip(".") for line in lines]
    return "; ".join(said) or "git has no such object"


def _refused(name: str, why: str) -> UsageError:
    return UsageError(f"{name}: no such file, nor in git: {why}")
