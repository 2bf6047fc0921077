"""`archcalc completion`: a completion script for a shell.

The scripts are a few lines that ask archcalc itself, at each Tab, so that all shells
offer the same.
"""

from __future__ import annotations

import argparse
import os
import re

from archcalc.commands.completing import candidates

_LINE = "COMMAND_LINE"  # the variable that the line up to the cursor stands in, as tcsh has it
_MEANING = 50  # characters of what a candidate is
_DESCRIBED = ("zsh", "fish")  # which show beside a candidate what it is

_SCRIPTS = {
    "bash": """\
_archcalc() {
  COMPREPLY=()
  local found
  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(
    COMMAND_LINE="${COMP_LINE:0:COMP_POINT}" archcalc completion bash --line 2>/dev/null)
  # What goes on is not followed by a space.
  if [[ ${COMPREPLY[0]-} == *[=/] ]]; then compopt -o nospace 2>/dev/null; fi
  return 0
}
complete -o bashdefault -o default -F _archcalc archcalc""",
    "zsh": """\
#compdef archcalc
_archcalc() {
  local -x COMMAND_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX"
  local found
  local -a values shown open_values open_shown lines
  for found in "${(@f)$(archcalc completion zsh --line 2>/dev/null)}"; do
    [[ -n $found ]] || continue
    [[ $found != *$'\\t'* ]] || lines=(-l)  # what has a meaning beside it takes a line
    # What goes on is not followed by a space.
    if [[ ${found%%$'\\t'*} == *[=/] ]]; then
      open_values+=("${found%%$'\\t'*}") open_shown+=("${found/$'\\t'/  }")
    else
      values+=("${found%%$'\\t'*}") shown+=("${found/$'\\t'/  }")
    fi
  done
  (( $#values + $#open_values )) || { _files; return }
  (( $#values )) && compadd $lines -d shown -a values
  (( $#open_values )) && compadd $lines -S '' -d open_shown -a open_values
  return 0
}
if [[ $funcstack[1] == _archcalc ]]; then _archcalc "$@"; else compdef _archcalc archcalc; fi""",
    "tcsh": "complete archcalc 'p@*@`archcalc completion tcsh --line`@@'",
    "fish": """\
function __archcalc_candidates
    set -lx COMMAND_LINE (commandline -cp | string collect)
    set -l found (archcalc completion fish --line 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c archcalc -f -k -a '(__archcalc_candidates)'""",
}

EXAMPLES = (
    "archcalc completion bash",
    "archcalc completion fish > ~/.config/fish/completions/archcalc.fish",
)
NOTES = ("~/.bashrc: source <(archcalc completion bash); in ~/.zshrc with zsh",)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument("shell", choices=tuple(_SCRIPTS), help="which shell")
    parser.add_argument(
        "--line", action="store_true",
        help=f"for the script: what may stand at the end of the line in the variable {_LINE}",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints the script; `source` it, or put it where your shell looks for completions."""
    shell: str = arguments.shell
    if not arguments.line:
        print(_SCRIPTS[shell])
        return 0
    from archcalc.cli import parser_of

    line = os.environ.get(_LINE, "")
    # bash takes for a word, and replaces, what follows the last of these.
    stays = re.match(r".*[=:]", line.split()[-1]) if shell == "bash" and line.split() else None
    kept = len(stays[0]) if stays is not None and not line[-1:].isspace() else 0
    for text, meaning in candidates(line, parser_of):
        beside = f"\t{_first_words(meaning)}" if meaning and shell in _DESCRIBED else ""
        print(f"{text[kept:]}{beside}")
    return 0


def _first_words(meaning: str) -> str:
    """The meaning of an option in a line, up to where it goes into detail."""
    text = re.split(r" \(|; |: ", meaning.replace("%%", "%"), maxsplit=1)[0]
    words = " ".join(text.split())
    return words if len(words) <= _MEANING else f"{words[: _MEANING - 1].rstrip()}…"
