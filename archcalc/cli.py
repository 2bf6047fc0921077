"""The command line. Each command is a module of `archcalc.commands`, imported when called.

Data goes to stdout, notes to stderr. Exit status: 0 good, 1 a check failed, 2 the user's input
is wrong.
"""

from __future__ import annotations

import argparse
import codecs
import gc
import os
import sys
from collections.abc import Collection, Iterable, Sequence
from io import BufferedWriter, RawIOBase, TextIOWrapper
from types import ModuleType
from typing import Any, NoReturn

from archcalc.commands import COMMANDS, message, module_of
from archcalc.errors import ArchcalcError, UsageError, did_you_mean, suggestion

# New objects at which Python's collector of cycles goes to work, in place of 700: what is loaded
# for a command stays to its end, and to go through it again and again is a tenth of a table's time.
_NEW_OBJECTS = 50_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status."""
    if argv is None:
        gc.set_threshold(_NEW_OBJECTS)
    given = list(sys.argv[1:] if argv is None else argv)
    command = next((word for word in given if not word.startswith("-")), None)
    if command is not None and command not in COMMANDS:
        guess = suggestion(command, COMMANDS)
        return _failed(f"unknown command {command!r}{guess}")
    if sys.stdout is None:
        return _failed("standard output is closed")
    before = sys.stdout
    output = _output(before) if isinstance(before, TextIOWrapper) else None
    sys.stdout = output or before
    try:
        try:
            # Of all commands only a call without one has to know.
            known = [command] if command is not None and given[0] == command else COMMANDS
            configured = [command] if command is not None else []
            arguments = _parser(known, configured).parse_args(given)
            if argv is None:
                gc.freeze()  # no collection goes through what is loaded, not even the last
            _refuse_overwriting(arguments)
            status: int = module_of(arguments.command).run(arguments)
            if getattr(arguments, "strict", False) and getattr(arguments, "noted", 0):
                status = status or 1
        except ArchcalcError as error:
            status = _failed(message(error))
        sys.stdout.flush()  # a full disk shows here, and not later
        return status
    except OSError as error:
        _discard_output()
        return _failed(f"cannot write: {error.strerror}")
    except KeyboardInterrupt:
        return 130
    finally:
        sys.stdout = before
        if output is not None:
            output.detach()


def _refuse_overwriting(arguments: argparse.Namespace) -> None:
    """Raises UsageError, before anything is computed, for a file that may not be replaced."""
    for option in ("output", "plot"):
        path = getattr(arguments, option, None)
        if path and os.path.isfile(path) and not arguments.force:
            raise UsageError(f"{path} is there already; --force replaces it")


class _UntilClosed(RawIOBase):
    """Writes to a file until its reader is gone, and then nowhere.

    `archcalc table vgg16 | head` is not an error, and what is one is not hidden by a closed pipe:
    the command goes on to its end, and has the exit status that it would have had.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._closed = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        number: int = self._raw.fileno()
        return number

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        if not self._closed:
            try:
                written: int = self._raw.write(data)
                return written
            except BrokenPipeError:
                self._closed = True
        return len(data)


def _output(stdout: TextIOWrapper) -> TextIOWrapper:
    """Standard output that a closed pipe does not end; what it cannot show is spelled in ASCII."""
    stdout.flush()
    raw = _UntilClosed(getattr(stdout.buffer, "raw", stdout.buffer))
    codecs.register_error(_IN_ASCII, _in_ascii)
    return TextIOWrapper(
        BufferedWriter(raw), stdout.encoding, errors=_IN_ASCII, line_buffering=stdout.isatty()
    )


_IN_ASCII = "archcalc.in_ascii"  # how errors of encoding are met


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """`...` for what an encoding lacks of `…`, e for é, a ? for what has nothing like it."""
    from unicodedata import normalize

    assert isinstance(error, UnicodeEncodeError), "for output alone"
    lacking = error.object[error.start : error.end]
    spelled = [_SPELLED.get(sign) or normalize("NFKD", sign)[0] for sign in lacking]
    return "".join([text if text.isascii() else "?" for text in spelled]), error.end


_SPELLED = {
    "…": "...", "×": "x", "÷": "/", "≠": "!=", "–": "-", "−": "-", "─": "-", "│": "|",
    "├": "|", "└": "`", "·": ".", "█": "#", "░": ".", "“": '"', "”": '"', "ß": "ss",
}  # fmt: skip


def parser_of_all() -> argparse.ArgumentParser:
    """The parser with the arguments of every command."""
    return _parser(COMMANDS, COMMANDS)


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of the arguments of one command."""
    parser = _Parser(prog=f"archcalc {command}")
    module_of(command).configure(parser)
    return parser


class _Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_formatter, **settings)
        self._given: list[str] = []
        self.register("action", None, _StoreOnce)
        self.register("action", "store", _StoreOnce)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses what it does not know itself, rather than the parser above it."""
        self._given = [*(args or ())]
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown)
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """One line; an option that there is not is said before what is missing beside it."""
        given, self._given = self._given, []
        unknown = [word for word in given if word.startswith("-") and not self._may_be(word)]
        if message.startswith("the following arguments are required") and unknown:
            self._refuse(unknown[:1])
        before = next((word for word in given if message.startswith(f"argument {word}: e")), "")
        after = [*given[given.index(before) + 1 :], ""][0] if before else ""
        if message.endswith("expected one argument") and after.startswith("-") and after != "-":
            message += f"; what begins with a minus stands behind a =, as in {before}={after}"
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def _refuse(self, unknown: list[str]) -> NoReturn:
        guess = did_you_mean(unknown[0], self._option_string_actions)
        self.error(f"unrecognized arguments: {' '.join(unknown)}{guess}")

    def _may_be(self, word: str) -> bool:
        """Whether a word that begins with a dash is an option, the start of one, or no option."""
        name = word.partition("=")[0]
        return word in ("-", "--") or any(o.startswith(name) for o in self._option_string_actions)


class _StoreOnce(argparse._StoreAction):
    """Stores a value, and refuses a second one: which of the two is meant?"""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *given: Any
    ) -> None:
        values, option = given
        if option is not None:
            seen: set[str] = vars(namespace).setdefault("_given", set())
            if self.dest in seen:
                parser.error(f"argument {'/'.join(self.option_strings)}: given twice")
            seen.add(self.dest)
        super().__call__(parser, namespace, values, option)


def _parser(commands: Iterable[str], configured: Collection[str]) -> argparse.ArgumentParser:
    """The parser of some commands, with the arguments of `configured` only.

    Each command takes time, and more where its module is imported for its arguments.
    """
    parser = _Parser(
        prog="archcalc",
        description="How big, how deep, how expensive is this network, "
        "and is that published number right?",
    )
    parser.add_argument("-V", "--version", action=_Version, nargs=0, help="print the version")
    subparsers = parser.add_subparsers(
        prog="archcalc", dest="command", metavar="COMMAND", required=True
    )
    for name in commands:
        summary = COMMANDS[name]
        subparser = subparsers.add_parser(name, help=summary, description=_sentence(summary))
        if name in configured:
            module = module_of(name)
            module.configure(subparser)
            subparser.epilog = _epilog(module)
    return parser


def _epilog(module: ModuleType) -> str:
    """Examples of a command, notes on what it prints, and its exit statuses."""
    fails = (f"1  {module.FAILS}",) if hasattr(module, "FAILS") else ()
    sections = {
        "examples:": module.EXAMPLES,
        "notes:": getattr(module, "NOTES", ()),
        "exit status:": ("0  good", *fails, "2  wrong input"),
    }
    return "\n\n".join("\n  ".join([head, *lines]) for head, lines in sections.items() if lines)


class _Version(argparse.Action):
    """Prints the version, which is looked up only here."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from archcalc import __version__

        print(f"archcalc {__version__}")
        parser.exit()


def _formatter(prog: str) -> argparse.HelpFormatter:
    """argparse makes one for each argument, and on its own would import shutil for the width."""
    width = os.get_terminal_size().columns if sys.stdout.isatty() else 80
    return argparse.RawDescriptionHelpFormatter(prog, width=width - 2)


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _discard_output() -> None:
    """Has what is still in the buffer written nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str) -> int:
    print(f"archcalc: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
