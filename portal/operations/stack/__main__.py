"""Run the whole portal on this machine."""

from __future__ import annotations

import argparse
import subprocess
import sys

from portal.operations.stack.configuration import PROJECT, StackConfiguration, StackError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m portal.operations.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="prepare, start, watch and stop everything on this machine")
    commands.add_parser("prepare", help="prepare the data folder only")
    options = parser.parse_args()
    try:
        configuration = StackConfiguration.from_environment()
        return run_stack(configuration) if options.command == "run" else prepare_only(configuration)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_stack(configuration: StackConfiguration) -> int:
    from portal.operations.stack import preconditions  # noqa: PLC0415 - each command loads its own parts

    preconditions.check_python()
    preconditions.check_folder(configuration)
    lock = preconditions.take_lock(configuration)
    preconditions.check_port(configuration)
    # A process of its own: the supervisor stays small and forks no database connection.
    prepared = subprocess.run(
        [sys.executable, "-m", "portal.operations.stack", "prepare"],
        cwd=PROJECT,
        env=configuration.environment(),
        check=False,
    )
    if prepared.returncode:
        return prepared.returncode
    from portal.operations.stack.supervisor import Supervisor  # noqa: PLC0415

    print("Starting …", flush=True)
    with lock:
        return Supervisor(configuration).run()


def prepare_only(configuration: StackConfiguration) -> int:
    from portal.operations.stack import preconditions  # noqa: PLC0415
    from portal.operations.stack.prepare import prepare  # noqa: PLC0415

    preconditions.check_folder(configuration)
    prepare(configuration)
    return 0


if __name__ == "__main__":
    sys.exit(main())
