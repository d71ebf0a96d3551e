"""Installs uv into this folder, with nothing but the Python that the machine has.

python3 local/bootstrap.py FOLDER
"""

import subprocess
import sys
import venv

PYTHON = (3, 11)
#: All else is locked: uv.lock, and what is installed beside it, by version.
UV = "uv==0.13.9"


def main(folder: str) -> int:
    if sys.version_info < PYTHON:
        wanted, found = (".".join(map(str, v)) for v in (PYTHON, sys.version_info[:3]))
        return fail(
            f"nowlater needs Python {wanted} or newer to start with, and this is {found}. "
            "If there is a newer one, name it: make up PYTHON=python3.13"
        )
    print("installing uv …", flush=True)
    try:
        venv.create(folder, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        return fail("Python has no ensurepip here: on Debian or Ubuntu, apt install python3-venv.")
    pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "install", "--quiet", UV], check=False).returncode:
        return fail("uv could not be installed: is the package index reachable?")
    return 0


def fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
