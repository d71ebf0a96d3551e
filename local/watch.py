"""Serves what was saved: pushes a changed layer or Lambda at once, deploys a changed template."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import watchfiles

from local import deploy, layers, template
from local.emulator import Emulator
from local.failure import Failure
from local.stack import Stack

_TEMPLATE = Path("template.yaml")


class Watch:
    """Watches the sources of a local stack."""

    def __init__(
        self, home: Path, where: Emulator, stack: Stack, parameters: dict[str, str]
    ) -> None:
        self._home, self._where, self._parameters = home, where, parameters
        self._lambdas = stack.client("lambda")
        self._stack = stack
        #: Layers that are to be built whole: a build that failed is made up for at the next change.
        self._whole: set[str] = set()

    def run(self) -> None:
        sources = [p for p in ("functions", "layers", _TEMPLATE) if Path(p).exists()]
        for changes in watchfiles.watch(*sources, raise_interrupt=False):
            paths = {Path(path).resolve().relative_to(Path.cwd()) for _, path in changes}
            began = time.monotonic()
            try:
                what = self._serve(paths)
            except Exception as failure:  # whatever it is: what is saved next may be served
                print(f"not served, what was served before goes on: {failure}", flush=True)
            else:
                if what:
                    print(f"served again: {what} ({time.monotonic() - began:.1f} s)", flush=True)
                    self._show_old_runs()

    def _serve(self, paths: set[Path]) -> str:
        """Serve changed files; return what was changed, in words."""
        served = []
        if layers.REQUIREMENTS in paths:
            layers.install_requirements()
        if _TEMPLATE in paths:
            deploy.build(self._home)
            self._stack = deploy.deploy(self._home, self._where, self._parameters)
            served.append(str(_TEMPLATE))
        whole, code = layers.changed(paths)
        self._whole |= whole
        if self._whole | code:
            self._push_layers(code - self._whole)
            served += sorted(whole | code)
        for folder in sorted(p.parts[1] for p in paths if _is_code(p)):
            self._push_lambda(folder)
            served.append(folder)
        return ", ".join(dict.fromkeys(served))

    def _push_lambda(self, folder: str) -> None:
        for name, resource in template.load()["Resources"].items():
            code = resource.get("Properties", {}).get("CodeUri")
            if isinstance(code, str) and Path(code) == Path("functions", folder):
                zipped = layers.zipped(Path("functions", folder))
                function = self._stack.ids[name]
                self._lambdas.update_function_code(FunctionName=function, ZipFile=zipped)
                return
        raise Failure(f"functions/{folder} is not in template.yaml")

    def _push_layers(self, code: set[str]) -> None:
        """Publish the layers that are to be whole, and of others the code; have all Lambdas take them."""
        afresh = code != {"OperationsLayer"}  # else what describes the operations is as it was
        built = {n: layers.build(n, self._home, afresh=afresh) for n in sorted(self._whole)}
        built |= {layers.SAVED + layer: layers.code(layer) for layer in sorted(code)}
        versions = {layer: self._publish(layer, content) for layer, content in built.items()}
        names = [name for name, _ in self._stack.of_type("AWS::Lambda::Function")]
        with ThreadPoolExecutor(max_workers=len(names)) as pool:  # each waits for processes to end
            list(pool.map(lambda name: self._take_layers(name, versions), names))
        self._whole.clear()

    def _take_layers(self, name: str, versions: dict[str, str]) -> None:
        function = self._stack.ids[name]
        said = self._lambdas.get_function_configuration(FunctionName=function)
        arns = [layer["Arn"] for layer in said.get("Layers", [])]
        if (changed := _with_versions(arns, versions)) != arns:
            self._lambdas.update_function_configuration(FunctionName=function, Layers=changed)

    def _publish(self, layer: str, content: bytes) -> str:
        """Publish a layer; return its new version's ARN."""
        got = self._lambdas.publish_layer_version(LayerName=layer, Content={"ZipFile": content})
        arn: str = got["LayerVersionArn"]
        return arn

    def _show_old_runs(self) -> None:
        """Say which runs go on that began before: their process ends with them."""
        busy = self._where.retired()
        logical = {physical: name for name, physical in self._stack.ids.items()}
        runs = [f"{logical.get(name, name)} ({count})" for name, count in busy.items()]
        if runs:
            print(f"still running with the code from before: {', '.join(runs)}", flush=True)


def _with_versions(arns: list[str], versions: dict[str, str]) -> list[str]:
    """Return a Lambda's layers with these versions of ours; saved code comes after all others."""
    found = {_layer_of(arn): arn for arn in arns}
    for layer, arn in versions.items():
        whole = layer.removeprefix(layers.SAVED)
        if whole in found:
            found[layer] = arn
            if layer == whole:
                found.pop(layers.SAVED + layer, None)  # the layer has that code itself
    return list(found.values())


def _layer_of(arn: str) -> str:
    """Return which of our layers a version's ARN is of: SAM adds a digest to the name."""
    name = arn.split(":")[6]
    return next((layer for layer in layers.FOLDERS if name.startswith(layer)), name)


def _is_code(path: Path) -> bool:
    """Tell whether a change is one of a Lambda's code; a new folder may be told without its files."""
    if path.parts[0] != "functions":
        return False
    return path.parent.is_dir() if path.suffix == ".py" else any(path.glob("*.py"))
