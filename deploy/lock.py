"""Write requirements/*.txt: every version with its hashes, no index, no URL.

    .venv/bin/python deploy/lock.py [--upgrade]

runtime serves, dev adds the tests, gpu serves on an NVIDIA machine. dev and gpu repeat runtime's
versions, so one virtual environment can move between them.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "runtime": ["--extra", "cpu"],
    "gpu": ["--extra", "gpu"],
    "dev": ["--extra", "cpu", "--group", "dev"],
}
# pyproject's `tool.uv.environments` narrows the search to these; repeated on every line they only
# hide the pins.
ALWAYS_TRUE = (
    "python_full_version < '3.12'",
    "implementation_name == 'cpython'",
    "platform_python_implementation == 'CPython'",
    "sys_platform == 'linux'",
)


def compile_lock(name: str, options: list[str], extra: list[str]) -> None:
    target = ROOT / "requirements" / f"{name}.txt"
    constraint = [] if name == "runtime" else ["-c", "requirements/runtime.txt"]
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"),
        *("--universal", "--python-version", "3.11", "--generate-hashes"),
        *("--no-emit-index-url", "--no-header", "--no-annotate"),
        *options,
        *constraint,
        *extra,
        *("--output-file", str(target)),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    target.write_text(simplify_markers(target.read_text()))


def simplify_markers(text: str) -> str:
    for term in ALWAYS_TRUE:
        text = text.replace(f" and {term}", "").replace(f"{term} and ", "").replace(f" ; {term}", "")
    return text


def main() -> None:
    extra = sys.argv[1:]
    for name, options in LOCKS.items():
        print(f"Locking {name}", flush=True)
        compile_lock(name, options, extra)


if __name__ == "__main__":
    main()
