"""`REV:PATH`: specs as git has them, and nothing that git could be made to run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from archcalc import analyze, load
from archcalc.errors import SpecError, UsageError
from archcalc.spec.library import split_variant

NET = "name: net\ninput: [3, 8, 8]\nimport: parts/b.yaml\nlayers:\n  - b\n"
BLOCK = "blocks:\n  b:\n    layers:\n      - conv: {{channels: {}, kernel: 1}}\n"


def git(*arguments: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *settings, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def written(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a spec in a folder, committed with 4 channels and changed to 5 since."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (tmp_path / "repository").mkdir()
    monkeypatch.chdir(tmp_path / "repository")
    git("init", "-q", "-b", "fix#12")
    written("models/net.yaml", NET)
    written("models/parts/b.yaml", BLOCK.format(4))
    git("add", ".")
    git("commit", "-q", "-m", "First")
    written("models/parts/b.yaml", BLOCK.format(5))
    return tmp_path


def channels(name: str) -> object:
    return analyze(name).layers[-1].output.channels


@pytest.mark.usefixtures("repository")
def test_a_spec_is_read_as_it_stands_in_a_revision_with_what_it_imports() -> None:
    assert channels("models/net.yaml") == 5
    for revision in ("HEAD", "fix#12", git("rev-parse", "HEAD"), "HEAD^{tree}", "HEAD^{/First}"):
        assert channels(f"{revision}:models/net.yaml") == 4
    assert channels(":models/net.yaml") == channels(":0:models/net.yaml") == 4
    git("add", ".")
    assert channels(":models/net.yaml") == 5
    assert channels("HEAD:models/net.yaml#net") == 4


def test_paths_are_as_git_has_them(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("models")
    assert channels("HEAD:models/net.yaml") == channels("HEAD:./net.yaml") == 4
    with pytest.raises(UsageError, match=r"Did you mean 'HEAD:models/net\.yaml'"):
        load("HEAD:net.yaml")


@pytest.mark.usefixtures("repository")
def test_another_network_is_taken_from_the_same_revision() -> None:
    taken = "name: two\ninput: [3, 8, 8]\nlayers:\n  - network: {of: net.yaml}\n"
    written("models/two.yaml", taken)
    git("add", "models/two.yaml")
    git("commit", "-q", "-m", "Second")
    assert channels("HEAD:models/two.yaml") == 4
    assert channels("models/two.yaml") == 5


@pytest.mark.usefixtures("repository")
def test_a_file_that_is_called_so_is_meant_first() -> None:
    written("HEAD:models/net.yaml", NET.replace("import: parts/b.yaml\n", "").replace("b", "relu"))
    assert channels("HEAD:models/net.yaml") == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("HEAD:none.yaml", "path 'none.yaml' does not exist in 'HEAD'"),
        ("none:models/net.yaml", "invalid object name 'none'"),
        ("HEAD:models/", "that is a tree"),
        ("HEAD:out.yaml", "that link leads out of the repository"),
        ("HEAD:models/net.yaml/x.yaml", "a part of that path is a file"),
        ("--output=x:net.yaml", "no revision begins with a dash"),
        ("a/b{:x.yaml", "no such file"),
        ("HEAD:net.onnx", "git show HEAD:net.onnx > net.onnx"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_what_is_not_there_is_said_in_a_line(name: str, said: str) -> None:
    Path("out.yaml").symlink_to("/etc/hostname")
    git("add", "out.yaml")
    git("commit", "-q", "-m", "A link")
    with pytest.raises(UsageError) as caught:
        load(name)
    assert str(caught.value).startswith(f"{name}: no such file")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_git_or_a_repository_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="not a git repository"):
        load("HEAD:net.yaml")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git is not installed"):
        load("HEAD:net.yaml")


@pytest.mark.parametrize("path", ["../b.yaml", "/etc/b.yaml", "HEAD:b.yaml", "out.yaml"])
@pytest.mark.usefixtures("repository")
def test_what_a_revision_imports_lies_in_it_and_below_its_folder(path: str) -> None:
    written("b.yaml", BLOCK.format(6))
    written("models/HEAD:b.yaml", BLOCK.format(6))
    Path("models/out.yaml").symlink_to(Path("b.yaml").resolve())
    written("models/net.yaml", NET.replace("parts/b.yaml", path))
    git("add", "b.yaml", "models/out.yaml", "models/net.yaml")
    git("commit", "-q", "-m", "Outside")
    with pytest.raises(SpecError, match=r"^HEAD:models/net\.yaml:3:9: "):
        load("HEAD:models/net.yaml")


@pytest.mark.usefixtures("repository")
def test_a_file_that_is_too_large_is_not_read() -> None:
    written("large.yaml", "#" * ((1 << 20) + 1))
    git("add", "large.yaml")
    with pytest.raises(SpecError, match="more than 1,048,576 bytes"):
        load(":large.yaml")


def test_nothing_of_what_a_repository_is_set_to_runs(repository: Path) -> None:
    ran = repository / "ran"
    program = repository / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    hooks = Path(".git/hooks")
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        hooks.mkdir(exist_ok=True)
        (hooks / hook).symlink_to(program)
    written(".gitattributes", "*.yaml diff=run filter=run\n")
    git("config", "core.pager", str(program))
    for key in ("core.fsmonitor", "diff.external", "diff.run.textconv", "diff.run.command"):
        git("config", key, str(program))
    for key in ("filter.run.smudge", "filter.run.clean", "alias.cat-file", "alias.rev-parse"):
        git("config", key, f"!{program}" if key.startswith("alias") else str(program))
    ran.unlink(missing_ok=True)
    assert channels("HEAD:models/net.yaml") == channels(":models/net.yaml") == 4
    with pytest.raises(UsageError):
        load(":none.yaml")
    assert not ran.exists()
    git("status")
    assert ran.exists(), "what is set would run"


def test_what_a_partial_clone_lacks_is_not_fetched(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("config", "uploadpack.allowFilter", "true")
    ran, url = repository / "ran", f"file://{Path.cwd()}"
    git("clone", "-q", "--no-checkout", "--filter=blob:none", url, str(repository / "partial"))
    monkeypatch.chdir(repository / "partial")
    git("config", "remote.origin.uploadpack", f"touch {ran}; git-upload-pack")
    with pytest.raises(UsageError, match="nor in git"):
        load("HEAD:models/net.yaml")
    assert not ran.exists()
    git("show", "HEAD:models/net.yaml")
    assert ran.exists(), "to fetch it would run that"


def test_a_variant_stands_behind_the_path() -> None:
    assert split_variant("fix#12:net.yaml#v") == ("fix#12:net.yaml", "v")
    assert split_variant("fix#12:net.yaml") == ("fix#12:net.yaml", "")
    assert split_variant("net.yaml#v") == ("net.yaml", "v")
