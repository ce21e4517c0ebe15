"""The command line of the science: `python -m ml train` and `python -m ml evaluate`."""

import argparse
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 for what a person can mend, 130 stopped."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from ml.commands import (
        baselines,
        blend,
        card,
        crossvalidate,
        evaluate,
        explain,
        gates,
        inspect,
        outline,
        report,
        reproduce,
        signature,
        sources,
        train,
        transfer,
        tune,
    )

    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True)
    for name, module in (
        ("train", train),
        ("crossvalidate", crossvalidate),
        ("blend", blend),
        ("sources", sources),
        ("transfer", transfer),
        ("tune", tune),
        ("signature", signature),
        ("evaluate", evaluate),
        ("explain", explain),
        ("gates", gates),
        ("inspect", inspect),
        ("outline", outline),
        ("reproduce", reproduce),
        ("baselines", baselines),
        ("report", report),
        ("card", card),
    ):
        about = (module.__doc__ or "").partition(": ")[2]
        command = commands.add_parser(name, help=about, description=about)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from the last finished epoch.", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
