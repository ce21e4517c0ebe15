"""How fast the portal is on this machine: `make bench`, or `python -m tests.benchmarks`.

Rounds of the portal and of the network alone alternate, so that both meet the same neighbours;
the ratio is the median over the rounds.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import django
from tqdm import tqdm

TARGET = 0.6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--images", type=int, default=512, help="queued images a round (512)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    parser.add_argument("--single", type=int, default=30, help="single submissions (30)")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
    django.setup()
    with tempfile.TemporaryDirectory(prefix="dermaport-bench-") as folder:
        return run(Path(folder), options.images, options.rounds, options.single)


def run(folder: Path, images: int, rounds: int, single: int) -> int:
    from django.conf import settings

    from tests.benchmarks.bare import BareNetwork
    from tests.benchmarks.engine import Engine, percentile
    from tests.benchmarks.memory import read_peak_mib
    from tests.support.live_stack import LiveStack

    # The test settings have a throw-away var/ of their own; the stack gets another.
    # A round waits in the queue as a whole, and is sent as fast as it goes.
    stack = LiveStack(
        folder / "var",
        TEST_API_ACTIVE_PREDICTIONS=str(2 * images),
        DERMAPORT_API_CALLS_PER_MINUTE="100000",
    )
    stack.start()
    try:
        engine = Engine(stack, folder)
        ((file,),) = stack.query("SELECT file FROM classifier_modelversion WHERE lifecycle = 'active'")
        with BareNetwork(Path(settings.DERMAPORT_MODELS_DIR) / file, settings.DERMAPORT_BATCH_SIZE) as bare:
            engine.measure_throughput(images // 4, "warm-up")
            bare.measure(images // 4)
            pairs = []
            for number in tqdm(range(rounds), desc="Rounds", unit="round"):
                alone = bare.measure(images)
                pairs.append((engine.measure_throughput(images, f"round-{number}"), alone))
        latencies = engine.measure_latency(single)
        web, worker = read_peak_mib(stack.pid("web")), read_peak_mib(stack.pid("worker"))
    finally:
        stack.stop()
    ratio = statistics.median(portal / alone for portal, alone in pairs)
    print(
        f"\n{file}, batches of {settings.DERMAPORT_BATCH_SIZE}, {os.cpu_count()} cores, {rounds} rounds of {images}"
    )
    print(f"Queued to committed   {statistics.median(p for p, _ in pairs):8.1f} images/s")
    print(f"The network alone     {statistics.median(a for _, a in pairs):8.1f} images/s")
    print(f"Ratio                 {ratio:8.2f} (target {TARGET})")
    print(f"Submit to result      {percentile(latencies, 50) * 1000:8.0f} ms median, {single} one at a time")
    print(f"                      {percentile(latencies, 95) * 1000:8.0f} ms 95th percentile")
    print(f"Peak memory           {web:8.0f} MiB web, {worker:.0f} MiB worker")
    return 0


if __name__ == "__main__":
    sys.exit(main())
