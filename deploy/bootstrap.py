"""Make .venv hold what a lock names. Standard library only: this runs before anything is there.

    python3.11 deploy/bootstrap.py runtime|dev|gpu

Safe to repeat, to interrupt and to run twice at once: one process works while others wait for it,
an interrupted installation is begun again, and a finished one is recognised by its lock's hash.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NEEDED = (3, 11)
NEEDED_BYTES = 4 * 1024**3
# A lock that holds all that another one does.
COVERED_BY = {"runtime": ("runtime", "dev"), "dev": ("dev",), "gpu": ("gpu",)}


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "runtime"
    if sys.version_info[:2] != NEEDED:
        received = ".".join(map(str, sys.version_info[:3]))
        return refuse(
            f"Dermaport needs Python 3.11; {sys.executable} is Python {received}. "
            "Install Python 3.11, or name it: make run PYTHON=/path/to/python3.11"
        )
    folder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    if any(stamp_of(cover).exists() for cover in COVERED_BY[name]):
        return 0
    try:
        return install(name)
    except KeyboardInterrupt:
        return refuse("Stopped. The next start begins the installation again.")


def refuse(sentence: str) -> int:
    print(f"\n{sentence}", file=sys.stderr)
    return 1


def stamp_of(name: str) -> Path:
    digest = hashlib.sha256((ROOT / "requirements" / f"{name}.txt").read_bytes()).hexdigest()
    return VENV / f"installed-{name}-{digest[:16]}"


def install(name: str) -> int:
    started = time.monotonic()
    mark = VENV / "installing"
    if mark.exists() or (VENV.exists() and not has_pip()):
        print("The last installation was interrupted; beginning again.", flush=True)
        shutil.rmtree(VENV)
    elif (name == "gpu") != any(VENV.glob("installed-gpu-*")) and any(VENV.glob("installed-*")):
        print("Changing between CPU and GPU; beginning again.", flush=True)
        shutil.rmtree(VENV)
    free = shutil.disk_usage(ROOT).free
    if not VENV.exists() and free < NEEDED_BYTES:
        return refuse(
            f"The disk that holds {ROOT} is full: {free // 1024**2} MB are free and "
            f"{NEEDED_BYTES // 1024**2} MB are needed for the installation."
        )
    if not VENV.exists() and not create_environment():
        return 1
    mark.touch()
    print(f"Installing requirements/{name}.txt, hash-checked. The first time takes some minutes.", flush=True)
    command = [
        *(str(VENV / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"),
        *("--disable-pip-version-check", "--no-input", "-r", str(ROOT / "requirements" / f"{name}.txt")),
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        return refuse("The installation failed; the lines above say why. Mend that, then start again.")
    for old in VENV.glob("installed-*"):
        old.unlink()
    stamp_of(name).touch()
    mark.unlink()
    print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)
    return 0


def has_pip() -> bool:
    python = VENV / "bin" / "python"
    return python.exists() and subprocess.run([python, "-c", "import pip"], check=False).returncode == 0


def create_environment() -> bool:
    """Create .venv; on a Debian that lacks the module for it, install that first (as root)."""
    print("Creating the virtual environment .venv", flush=True)
    if shutil.which("apt-get") and os.geteuid() == 0 and not has_ensurepip():
        apt = [["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "python3.11-venv"]]
        for command in apt:
            subprocess.run(command, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if not has_ensurepip():
        refuse("This Python lacks its venv module. On Debian: apt-get install python3.11-venv")
        return False
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        refuse("The virtual environment could not be created; the lines above say why.")
        return False
    return True


def has_ensurepip() -> bool:
    return subprocess.run([sys.executable, "-c", "import ensurepip, venv"], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
