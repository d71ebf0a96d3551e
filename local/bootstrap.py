"""Installs uv into a folder; it needs only the machine's own Python.

python3 local/bootstrap.py FOLDER
python3 local/bootstrap.py --check   # only checks that this Python is new enough
"""

import subprocess
import sys
import venv

MIN_PYTHON = (3, 11)
#: uv.lock and the requirements fix the versions of everything else.
UV = "uv==0.13.9"


def main(folder: str) -> int:
    if sys.version_info < MIN_PYTHON:
        required, own = (".".join(map(str, v)) for v in (MIN_PYTHON, sys.version_info[:3]))
        return fail(
            f"nowlater needs Python {required} or newer to start with, and this is {own}. "
            "If you have a newer one, name it: make up PYTHON=python3.13"
        )
    if folder == "--check":
        return 0
    print("installing uv …", flush=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        return fail(
            "This Python has no ensurepip. On Debian or Ubuntu, run apt install python3-venv."
        )
    pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "install", "--quiet", UV], check=False).returncode:
        return fail("uv could not be installed. Check that the package index is reachable.")
    return 0


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
