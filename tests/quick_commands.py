"""`archcalc` for scripts of bash, without the second that each call takes to import things.

`folder()` is one for the front of a PATH: its `archcalc` hands its arguments, folder, environment
and streams to a process that has imported everything once and forks itself for each call. What the
call does, prints and returns is what the command does; whether the installed command starts is
for `.ci/run` and the tests of `__main__`.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_STREAMS = 3
_AT_MOST = 1 << 20  # bytes of a call: arguments, folder and environment

# It takes `_socket` and no `socket`, which takes as long to import as Python to start.
_CALL = f"""#!{sys.executable} -SEI
import _socket, array, json, os, sys
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect(os.path.join(os.path.dirname(__file__), "socket"))
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
streams = array.array("i", range({_STREAMS}))
server.sendmsg([len(call).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.send(call)
status = server.recv(1)
sys.exit(status[0] if status else 70)
"""


@cache
def folder() -> Path:
    """The folder with the command; its server lives as long as this process."""
    made = tempfile.TemporaryDirectory(prefix="archcalc-")
    place = Path(made.name)
    (place / "archcalc").write_text(_CALL, encoding="utf-8")
    (place / "archcalc").chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, "-m", __name__, str(place / "socket")],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    with server.stdout as ready:
        assert ready.readline() == b"ready\n"

    def end() -> None:
        server.terminate()
        server.wait()
        made.cleanup()

    atexit.register(end)
    return place


def serve(path: str) -> None:
    """Answers calls until it is ended, each in a process of its own."""
    import numpy  # noqa: F401
    import sympy  # noqa: F401
    import torch  # noqa: F401

    from archcalc.cli import parser_of_all

    parser_of_all()  # imports every command
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(path)
        door.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are done
        print("ready", flush=True)
        while True:
            call, _ = door.accept()
            with call:
                if os.fork() == 0:
                    door.close()
                    _answer(call)


def _answer(call: socket.socket) -> None:
    """Does one call in this process, and ends it."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        size, streams, _, _ = socket.recv_fds(call, 4, _STREAMS)
        with call.makefile("rb") as rest:
            words, place, environment = json.loads(rest.read(int.from_bytes(size, "big")))
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
            os.close(stream)
        os.chdir(place)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["archcalc", *words]
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), "utf-8")
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        from archcalc.__main__ import main

        status = main()
        sys.stdout.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        call.sendall(bytes([status & 0xFF]))
        os._exit(status & 0xFF)


if __name__ == "__main__":
    serve(sys.argv[1])
