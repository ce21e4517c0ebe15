"""Peak resident memory, as the kernel remembers it for each process."""

from pathlib import Path

import psutil


def read_peak_mib(pid: int) -> float:
    """VmHWM of `pid` and of its children, each at its own highest, in MiB."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(_read_kib(process.pid) for process in processes) / 1024


def _read_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
