"""Serves what was saved: pushes a changed layer or Lambda at once, deploys a changed template."""

import contextlib
import io
import os
import subprocess
import time
import zipfile
from pathlib import Path

import watchfiles

from local import deploy
from local.emulator import Emulator
from local.failure import Failure
from local.stack import Stack

#: The layers to build after a change in a folder; the catalogue tells what is in the operations.
LAYERS = {
    "nowlater": ("NowlaterLayer", "CatalogueLayer"),
    "operations": ("OperationsLayer", "CatalogueLayer"),
    "catalogue": ("CatalogueLayer",),
    "tokens": ("TokensLayer",),
}
_FOLDERS = {
    "NowlaterLayer": "nowlater",
    "OperationsLayer": "operations",
    "CatalogueLayer": "catalogue",
    "TokensLayer": "tokens",
}


class Watch:
    """Watches the sources of a local stack."""

    def __init__(
        self, home: Path, where: Emulator, stack: Stack, parameters: dict[str, str]
    ) -> None:
        self._home, self._where, self._parameters = home, where, parameters
        self._lambdas = stack.client("lambda")
        self._stack = stack

    def run(self) -> None:
        sources = [p for p in ("functions", "layers", "template.yaml") if Path(p).exists()]
        for changes in watchfiles.watch(*sources, raise_interrupt=False):
            paths = {Path(path).resolve().relative_to(Path.cwd()) for _, path in changes}
            began = time.monotonic()
            try:
                what = self._serve(paths)
            except Exception as failure:  # whatever it is: what is saved next may be served
                said = getattr(failure, "stderr", None)
                print(f"not served: {said.decode()[-2000:] if said else failure}", flush=True)
            else:
                if what:
                    print(f"served again: {what} ({time.monotonic() - began:.1f} s)", flush=True)

    def _serve(self, paths: set[Path]) -> str:
        """Serve changed files; return what was changed, in words."""
        if Path("template.yaml") in paths:
            deploy.build(self._home)
            self._stack = deploy.deploy(self._home, self._where, self._parameters)
            return "template.yaml"
        layers = {n for p in paths if p.parts[0] == "layers" for n in LAYERS.get(p.parts[1], ())}
        lambdas = {p.parts[1] for p in paths if p.parts[0] == "functions" and _is_code(p)}
        if layers:
            self._push_layers(sorted(layers))
        for folder in sorted(lambdas):
            self._push_lambda(folder)
        return ", ".join(sorted(layers) + sorted(lambdas))

    def _push_lambda(self, folder: str) -> None:
        name = self._stack.ids.get(folder.capitalize())
        if name is None:
            raise Failure(f"functions/{folder} is not in template.yaml")
        code = _zipped(Path("functions", folder))
        self._lambdas.update_function_code(FunctionName=name, ZipFile=code)

    def _push_layers(self, layers: list[str]) -> None:
        versions = {layer: self._publish(layer) for layer in layers}
        for name, _ in self._stack.of_type("AWS::Lambda::Function"):
            function = self._stack.ids[name]
            said = self._lambdas.get_function_configuration(FunctionName=function)
            arns = [layer["Arn"] for layer in said.get("Layers", [])]
            changed = [versions.get(_layer_of(arn), arn) for arn in arns]
            if changed != arns:
                self._lambdas.update_function_configuration(FunctionName=function, Layers=changed)

    def _publish(self, layer: str) -> str:
        """Build a layer and publish it; return its new version's ARN."""
        out = self._home.absolute() / "build" / layer
        subprocess.run(["rm", "-rf", str(out)], check=True)
        subprocess.run(
            ["make", f"build-{layer}", f"ARTIFACTS_DIR={out}", "ARCHITECTURE=host"],
            cwd=Path("layers", _FOLDERS[layer]),
            env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"},
            capture_output=True,
            check=True,
        )
        got = self._lambdas.publish_layer_version(
            LayerName=layer, Content={"ZipFile": _zipped(out)}
        )
        arn: str = got["LayerVersionArn"]
        return arn


def _layer_of(arn: str) -> str:
    """Return which of our layers a version's ARN is of: SAM adds a digest to the name."""
    name = arn.split(":")[6]
    return next((layer for layer in _FOLDERS if name.startswith(layer)), name)


def _is_code(path: Path) -> bool:
    """Tell whether a change is one of a Lambda's code; a new folder may be told without its files."""
    return path.parent.is_dir() if path.suffix == ".py" else any(path.glob("*.py"))


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
