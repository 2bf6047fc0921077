"""What other repositories run of archcalc: the hook of pre-commit, and the action of GitHub's."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SPEC = """\
name: {name}
input: [3, 8, 8]
budget: [params <= 1K]
layers:
  - conv: {{channels: {channels}, kernel: 3}}
"""
# A GitHub that has some comments, and writes down what it is asked.
GH = """\
#!{python}
import json, pathlib, sys
asked = sys.argv[1:]
if asked == ["api", "user"]:
    sys.exit(1)
body = sys.stdin.read() if "--input" in asked else None
with pathlib.Path("asked").open("a") as file:
    print(json.dumps([asked, body and json.loads(body)["body"]]), file=file)
if {refuses} and body:
    sys.exit(1)
print({comments!r} if "--paginate" in asked else "{{}}")
"""


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def scripts() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = read("action.yml")["runs"]["steps"]
    return steps


# ----- the forms -----


def test_the_hook_runs_a_command_of_the_package() -> None:
    (hook,) = read(".pre-commit-hooks.yaml")
    assert hook["id"] == "archcalc-check"
    assert hook["entry"].split() == ["archcalc", "check"]
    assert (hook["language"], hook["types"]) == ("python", ["yaml"])
    assert re.search(hook["files"], "specs/net.yaml")
    assert not re.search(hook["files"], "tests/specs/net.yaml")


def test_the_action_is_composite_and_puts_nothing_into_its_scripts() -> None:
    action = read("action.yml")
    assert action["runs"]["using"] == "composite"
    assert {"name", "description", "inputs", "outputs", "runs"} <= action.keys()
    for one in action["inputs"].values():
        assert one["description"]
        assert ("default" in one) != one.get("required", False)
    for step in scripts():
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "what an expression gives would be run"
        used = set(re.findall(r"\$(\w+)", step["run"]))
        assert used <= step["env"].keys() | {"RUNNER_TEMP"}
    given = {name for step in scripts() for name in re.findall(r"inputs\.(\w+)", str(step["env"]))}
    assert given == action["inputs"].keys()


# ----- what it does -----


def git(*arguments: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *settings, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def program(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    Path(path).chmod(Path(path).stat().st_mode | stat.S_IXUSR)


class Repository:
    """A repository of two specs, whose pull request is what is changed in it afterwards."""

    def __init__(self) -> None:
        git("init", "-q")
        Path("specs").mkdir()
        for name in ("one", "two"):
            self.write(name, 4)
        git("add", ".")
        git("commit", "-q", "-m", "Before")
        self.base = git("rev-parse", "HEAD")
        # As the first step leaves it; python -I would not see where the tests find archcalc.
        program("temp/archcalc/bin/python", f'#!/bin/sh\nshift\nexec {sys.executable} "$@"\n')
        self.github()

    def write(self, name: str, channels: int) -> None:
        Path(f"specs/{name}.yaml").write_text(SPEC.format(name=name, channels=channels))
        git("add", "specs")

    def github(self, *comments: tuple[int, str, str], refuses: bool = False) -> None:
        """What comments there are: number, author, text."""
        pages = [[{"id": n, "user": {"login": who}, "body": text} for n, who, text in comments]]
        made = GH.format(python=sys.executable, refuses=refuses, comments=json.dumps(pages))
        program("bin/gh", made)

    def run(self, **changed: str) -> subprocess.CompletedProcess[str]:
        """The script of the action's second step, as a runner calls it."""
        Path("asked").unlink(missing_ok=True)
        folder = Path.cwd()
        values = {
            "ACTION": str(ROOT), "SPECS": "specs/*.yaml", "COMMENT": "true", "BASE": self.base,
            "NUMBER": "7", "GH_TOKEN": "secret", "GITHUB_REPOSITORY": "some/body",
            "RUNNER_TEMP": str(folder / "temp"), "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"), "PYTHONPATH": str(ROOT),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **changed,
        }  # fmt: skip
        return subprocess.run(
            [str(shutil.which("bash")), "-eo", "pipefail", "-c", scripts()[1]["run"]],
            env={**os.environ, **values}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def asked(self) -> list[list[Any]]:
        """The calls of `gh api`, each with the text of the comment in it."""
        return [json.loads(line) for line in Path("asked").read_text().splitlines()]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in [name for name in os.environ if name.startswith("GIT")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.chdir(tmp_path)
    return Repository()


def test_a_pull_request_is_commented_on(repository: Repository) -> None:
    repository.write("one", 5)
    repository.write("three", 4)
    git("rm", "-q", "--cached", "specs/two.yaml")
    Path("specs/two.yaml").unlink()
    done = repository.run()
    assert done.returncode == 0, done.stderr
    _, (asked, text) = repository.asked()
    assert asked[:4] == ["api", "repos/some/body/issues/7/comments", "--method", "POST"]
    assert text.startswith("<!-- archcalc")
    assert "### **specs/one.yaml**" in text
    assert "| params " in text and "<details>" in text
    assert "channels 4 -&gt; 5" in text
    assert "**specs/three.yaml** is new: **three**" in text
    assert "**specs/two.yaml** is gone" in text
    assert "changed=3" in Path("output").read_text()
    assert "specs/one.yaml" in Path("summary").read_text()


def test_its_own_comment_is_written_anew_and_nobody_elses(repository: Repository) -> None:
    repository.run()
    assert len(repository.asked()) == 1, "nothing changes, and nothing is said"
    own = "<!-- archcalc: this comment is written anew with each push -->\nbefore"
    repository.github((1, "somebody", own), (2, "github-actions[bot]", own))
    repository.run()
    _, (asked, text) = repository.asked()
    assert asked[:4] == ["api", "repos/some/body/issues/comments/2", "--method", "PATCH"]
    assert "No network changes." in text


def test_what_is_wrong_fails_and_is_said_first(repository: Repository) -> None:
    repository.write("one", 400)
    Path("specs/two.yaml").write_text("layers: [")
    Path("specs/link.yaml").symlink_to("/etc/hostname")
    git("add", ".")
    done = repository.run()
    assert done.returncode == 1, done.stderr
    assert "one breaks its budget" in done.stdout
    _, (_, text) = repository.asked()
    assert "Wrong:" in text and "breaks its budget" in text
    assert "link.yaml is a link" in text


def test_without_leave_to_comment_the_summary_has_it(repository: Repository) -> None:
    repository.write("one", 5)
    repository.github(refuses=True)
    done = repository.run()
    assert done.returncode == 0
    assert "::warning::" in done.stdout
    assert "specs/one.yaml" in Path("summary").read_text()
    repository.run(COMMENT="false")
    assert not Path("asked").exists()


def test_outside_of_pull_requests_specs_are_checked_alone(repository: Repository) -> None:
    done = repository.run(BASE="", NUMBER="")
    assert done.returncode == 0
    assert "2 specs" in done.stdout
    assert "no file" in repository.run(SPECS="nets/*.yaml").stderr


def test_names_of_files_are_never_run(repository: Repository) -> None:
    for name in ("$(touch ran).yaml", "-rf.yaml", "a:b.yaml", "@all `x`|.yaml"):
        (Path("specs") / name).write_text(SPEC.format(name="x", channels=4))
    git("add", ".")
    done = repository.run()
    assert done.returncode == 0, done.stdout
    assert "changed=4" in Path("output").read_text()
    assert not Path("ran").exists()
    assert "@all" not in repository.asked()[-1][1]


def test_no_line_of_a_spec_is_a_command_for_the_runner(repository: Repository) -> None:
    Path("specs/one.yaml").write_text("name: x\nlayers:\n::error::hello\n")
    done = repository.run()
    lines = done.stdout.splitlines()
    assert lines[0].startswith("::stop-commands::")
    assert lines[-1] == f"::{lines[0].rpartition(':')[2]}::"
