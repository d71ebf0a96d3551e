"""Names the process that listens on a port, as far as this user can see it."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

_LISTENS = "0A"  # the state in /proc/net/tcp


def find_listener(port: int) -> str:
    """Return the process as a text such as "python3, process 42"; "" where it cannot be seen."""
    with suppress(OSError, subprocess.SubprocessError):
        return _from_proc(port) if Path("/proc/net/tcp").exists() else _from_lsof(port)
    return ""


def _from_proc(port: int) -> str:
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
            _, address, _, state, *rest = line.split()
            if state == _LISTENS and int(address.rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{rest[5]}]")
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it has ended, or is another user's
            if os.readlink(opened) in sockets:
                process = opened.parents[1]
                return f"{(process / 'comm').read_text().strip()}, process {process.name}"
    return ""


def _from_lsof(port: int) -> str:
    command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    fields = {line[0]: line[1:] for line in reversed(done.stdout.splitlines()) if line}
    return f"{fields['c']}, process {fields['p']}" if {"c", "p"} <= fields.keys() else ""
