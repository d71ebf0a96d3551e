"""Lets `sam local` run the Lambdas of `make up` in containers; docs/sam-local.md shows its use.

    python -m local.sam_local

writes the template for it, and opens the emulator to containers until Ctrl-C. The template that
`make up` builds cannot serve: `sam local` does not look up what the stack calls its table and
queues, and passes on no variable that its template does not declare, AWS_ENDPOINT_URL above all.
"""

import argparse
import asyncio
import fcntl
import json
import os
import platform
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import docker
import yaml

from local import deploy, emulator
from local.stack import Stack

#: What Docker Desktop calls the machine that it runs on, whose localhost containers reach by it.
DESKTOP = "host.docker.internal"
#: Linux's IP_FREEBIND: the engine's network need not be there before its first container is.
_FREEBIND = 15
#: Linux's ioctls (netdevice(7)), and what /sys calls a hardware address that somebody has set.
_SIOCGIFADDR, _SIOCSIFHWADDR, _SET = 0x8915, 0x8924, "3"
_PLACES = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local")
    parser.add_argument("--home", type=Path, default=Path(".local"), help="where make up keeps it")
    home = parser.parse_args().home.resolve()
    try:
        endpoint = json.loads((home / "api.json").read_text())["endpoint"]
    except FileNotFoundError:
        sys.stderr.write("Nothing is served from this folder: run make up here first.\n")
        return 1
    port, address = urlsplit(endpoint).port, this_machine()
    stack = Stack(emulator.session(), deploy.NAME, endpoint)
    sys.stdout.write(f"{write(home, stack, f'{address}:{port}')}\n")
    sys.stdout.flush()
    if address != DESKTOP:
        with suppress(KeyboardInterrupt):
            asyncio.run(_open(address, port))
    return 0


def this_machine() -> str:
    """Return the address of this machine as containers see it."""
    with closing(docker.from_env()) as engine:
        if platform.system() != "Linux" or engine.info()["OperatingSystem"] == "Docker Desktop":
            return DESKTOP
        return str(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])


def write(home: Path, stack: Stack, emulator_at: str) -> Path:
    """Write the built template with the stack's parameters and names filled in; return its path."""
    template = yaml.safe_load((home / "build" / "template.yaml").read_text())
    for name, value in stack.parameters.items():
        template["Parameters"][name]["Default"] = value
    lambdas = stack.client("lambda")
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if place := _PLACES.get(resource["Type"]):
            properties[place] = str(home / "build" / properties[place])
        if resource["Type"] == "AWS::Serverless::Function":
            deployed = lambdas.get_function_configuration(FunctionName=stack.ids[name])
            told = _environment(deployed["Environment"]["Variables"], emulator_at)
            properties["Environment"] = {"Variables": told}
    path = home / "sam-local" / "template.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(template, sort_keys=False))
    return path


def _environment(deployed: dict[str, str], emulator_at: str) -> dict[str, str]:
    """Return a Lambda's variables, and those that lead to the emulator, whatever the shell's do."""
    here = f"localhost:{emulator_at.rpartition(':')[2]}"  # so the queues' URLs begin
    told = {name: value.replace(here, emulator_at) for name, value in deployed.items()}
    told |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), emulator.REGION)
    told |= emulator.CREDENTIALS
    return told | {"AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL": f"http://{emulator_at}"}


async def _open(address: str, port: int | None) -> None:
    await asyncio.gather(relay(address, port), keep_bridge(address))


async def relay(address: str, port: int | None) -> None:
    """Hand what arrives at the address to the same port of localhost, until canceled."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            with closing(back):
                await asyncio.gather(_copy(reader, back), _copy(there, writer))

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
    listening.bind((address, port))
    async with await asyncio.start_server(accept, sock=listening) as server:
        await server.serve_forever()


async def keep_bridge(address: str) -> None:
    """Keep the hardware address of the bridge at this address, until canceled.

    A bridge of which nobody sets it has the lowest one of its ports, as Podman's does: it changes
    with containers that start and end, and the others cannot reach this machine for seconds.
    """
    while True:
        try:
            for name in _bridges(address):
                _set_hardware_address(name)
        except PermissionError:
            sys.stderr.write(
                "Run this as root: else containers may lose this machine for seconds.\n"
            )
            return
        except OSError:  # the bridge has just gone, with the last container
            pass
        await asyncio.sleep(0.1)


def _bridges(address: str) -> Iterator[str]:
    """Yield the bridge at this address, if there is one whose hardware address can change."""
    for device in Path("/sys/class/net").glob("*/bridge"):
        name = device.parent.name
        if _address(name) == address and _text(name, "addr_assign_type") != _SET:
            yield name


def _address(name: str) -> str | None:
    with suppress(OSError):  # it has none, or none yet
        return socket.inet_ntoa(_ioctl(_SIOCGIFADDR, struct.pack("16s16x", name.encode()))[20:24])
    return None


def _set_hardware_address(name: str) -> None:
    """Have a device keep the hardware address that it has; raises PermissionError but for root."""
    ethernet, hardware = 1, bytes.fromhex(_text(name, "address").replace(":", ""))
    _ioctl(_SIOCSIFHWADDR, struct.pack("16sH6s8x", name.encode(), ethernet, hardware))


def _ioctl(request: int, asked: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return fcntl.ioctl(any_socket, request, asked)


def _text(name: str, attribute: str) -> str:
    return Path("/sys/class/net", name, attribute).read_text().strip()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
