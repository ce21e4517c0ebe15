"""Management commands on a running stack's data: one process that has loaded the portal forks for each.

Started by itself, a command takes two seconds to load what it needs; the tests run dozens.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


class Commands:
    """`run` gives the exit status and what the command wrote."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.commands"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object) -> tuple[int, str, str]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(one) for one in arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that runs commands has ended"
        status, written, errors = json.loads(answer)
        return status, written, errors

    def stop(self) -> None:
        self._process.communicate()


def serve() -> None:
    """Run each line's arguments as a command; an end of the lines ends this."""
    import django

    django.setup()
    for line in sys.stdin:
        with (
            Path(os.devnull).open() as asked,
            tempfile.TemporaryFile() as written,
            tempfile.TemporaryFile() as errors,
        ):
            child = os.fork()
            if child == 0:
                os.dup2(asked.fileno(), 0)
                os.dup2(written.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                os._exit(run(json.loads(line)))
            _, status = os.waitpid(child, 0)
            texts = []
            for file in (written, errors):
                file.seek(0)
                texts.append(file.read().decode())
        print(json.dumps([os.waitstatus_to_exitcode(status), *texts]), flush=True)  # noqa: T201 (the answer)


def run(arguments: list[str]) -> int:
    from django.core.management import execute_from_command_line

    status = 0
    try:
        execute_from_command_line(["manage.py", *arguments])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 (the caller is told)
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status


if __name__ == "__main__":
    serve()
