"""Lets `sam local` run the Lambdas of `make up` in containers; see docs/sam-local.md.

    python -m local.sam_local

writes a template for `sam local`, and opens the emulator to containers until Ctrl-C. The template
that `make up` builds does not work there: `sam local` does not know the names of the stack's table and
queues, and does not pass variables that its template does not declare, such as AWS_ENDPOINT_URL.
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

#: Docker Desktop's name of the host, by which containers reach the host's localhost.
DESKTOP = "host.docker.internal"
#: Linux's IP_FREEBIND: the engine's network may not exist before its first container.
_FREEBIND = 15
#: Linux's ioctls (netdevice(7)), and the value in /sys of a hardware address that was set explicitly.
_SIOCGIFADDR, _SIOCSIFHWADDR, _SET = 0x8915, 0x8924, "3"
#: By resource type: the property with the path of its code.
_PATH_PROPERTIES = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local")
    parser.add_argument(
        "--home", type=Path, default=Path(".local"), help="the folder with the files of make up"
    )
    home = parser.parse_args().home.resolve()
    try:
        endpoint = json.loads((home / "api.json").read_text())["endpoint"]
    except FileNotFoundError:
        sys.stderr.write("make up does not run in this folder. Start it first.\n")
        return 1
    try:
        port, address = urlsplit(endpoint).port, host_address()
    except docker.errors.DockerException as fault:
        sys.stderr.write(
            f"No Docker engine answers ({fault}).\nInstall Docker or Podman, start it, and try again; "
            "DOCKER_HOST names one elsewhere. make up itself needs none.\n"
        )
        return 1
    stack = Stack(emulator.session(), deploy.NAME, endpoint)
    sys.stdout.write(f"{write(home, stack, f'{address}:{port}')}\n")
    sys.stdout.flush()
    if address != DESKTOP:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(address, port))
    return 0


def host_address() -> str:
    """Return the address by which containers reach this machine."""
    with closing(docker.from_env()) as engine:
        if platform.system() != "Linux" or engine.info()["OperatingSystem"] == "Docker Desktop":
            return DESKTOP
        return str(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])


def write(home: Path, stack: Stack, emulator_address: str) -> Path:
    """Write the built template with the stack's parameters and variables; return its path."""
    template = yaml.safe_load((home / "build" / "template.yaml").read_text())
    for name, value in stack.parameters.items():
        template["Parameters"][name]["Default"] = value
    lambdas = stack.client("lambda")
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        if path_property := _PATH_PROPERTIES.get(resource["Type"]):
            properties[path_property] = str(home / "build" / properties[path_property])
        if resource["Type"] == "AWS::Serverless::Function":
            deployed = lambdas.get_function_configuration(FunctionName=stack.ids[name])
            variables = _variables(deployed["Environment"]["Variables"], emulator_address)
            properties["Environment"] = {"Variables": variables}
    path = home / "sam-local" / "template.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(template, sort_keys=False))
    return path


def _variables(deployed: dict[str, str], emulator_address: str) -> dict[str, str]:
    """Return a Lambda's variables with the emulator's address, which override those of the shell."""
    localhost = f"localhost:{emulator_address.rpartition(':')[2]}"  # queues' URLs begin with it
    variables = {name: v.replace(localhost, emulator_address) for name, v in deployed.items()}
    variables |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), emulator.REGION)
    variables |= emulator.CREDENTIALS
    return variables | {"AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL": f"http://{emulator_address}"}


async def _serve(address: str, port: int | None) -> None:
    await asyncio.gather(relay(address, port), keep_bridge(address))


async def relay(address: str, port: int | None) -> None:
    """Forward connections at the address to the same port of localhost, until canceled."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            from_emulator, to_emulator = await asyncio.open_connection("127.0.0.1", port)
            with closing(to_emulator):
                await asyncio.gather(_copy(reader, to_emulator), _copy(from_emulator, writer))

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
    listening.bind((address, port))
    async with await asyncio.start_server(accept, sock=listening) as server:
        await server.serve_forever()


async def keep_bridge(address: str) -> None:
    """Keep the hardware address of the bridge at this address, until canceled.

    A bridge whose hardware address was not set, such as Podman's, has the lowest one of its ports: it
    changes when containers start and end, and then the others cannot reach this machine for seconds.
    """
    while True:
        try:
            for name in _bridges(address):
                _set_hardware_address(name)
        except PermissionError:
            sys.stderr.write(
                "Run this as root: otherwise containers may lose their connection for seconds.\n"
            )
            return
        except OSError:  # the bridge was just removed, with the last container
            pass
        await asyncio.sleep(0.1)


def _bridges(address: str) -> Iterator[str]:
    """Yield the bridge at this address, if there is one whose hardware address can change."""
    for device in Path("/sys/class/net").glob("*/bridge"):
        name = device.parent.name
        if _address(name) == address and _read_attribute(name, "addr_assign_type") != _SET:
            yield name


def _address(name: str) -> str | None:
    with suppress(OSError):  # it has no address, or none yet
        return socket.inet_ntoa(_ioctl(_SIOCGIFADDR, struct.pack("16s16x", name.encode()))[20:24])
    return None


def _set_hardware_address(name: str) -> None:
    """Set a device's current hardware address explicitly; raises PermissionError if not root."""
    ethernet = 1
    hardware = bytes.fromhex(_read_attribute(name, "address").replace(":", ""))
    _ioctl(_SIOCSIFHWADDR, struct.pack("16sH6s8x", name.encode(), ethernet, hardware))


def _ioctl(request: int, argument: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return fcntl.ioctl(any_socket, request, argument)


def _read_attribute(name: str, attribute: str) -> str:
    return Path("/sys/class/net", name, attribute).read_text().strip()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
