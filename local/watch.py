"""Serves changed source files: pushes a changed layer or Lambda, deploys a changed template."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import watchfiles

from local import compose, deploy, fragment, layers, template
from local.emulator import Emulator
from local.failure import Failure
from local.gaps import Gaps
from local.stack import Stack
from local.terminal import Terminal

#: The template, and what it is composed of.
_TEMPLATE, _COMPOSED = compose.TEMPLATE, {compose.FRAMEWORK, fragment.PATH}


class Watch:
    """Watches the sources of a local stack."""

    def __init__(
        self,
        home: Path,
        aws: Emulator,
        stack: Stack,
        parameters: dict[str, str],
        gaps: Gaps,
        terminal: Terminal,
    ) -> None:
        self._home, self._aws, self._parameters = home, aws, parameters
        self._gaps, self._terminal = gaps, terminal
        self._lambdas = stack.client("lambda")
        self._use(stack)
        self._requirements = layers.requirements_digest()
        #: The template that is deployed: composing it is a change of its own.
        self._deployed = _TEMPLATE.read_text()
        #: Layers to build completely: a build that failed is repeated at the next change.
        self._complete: set[str] = set()

    def _use(self, stack: Stack) -> None:
        """Note a stack as it was deployed; its template is large, and is read only here."""
        self._stack = stack
        self._lambda_names = [name for name, _ in stack.of_type("AWS::Lambda::Function")]
        self._catalogue = layers.content_digest("CatalogueLayer", self._home)

    def run(self) -> None:
        watched = ("functions", "layers", "operations", _TEMPLATE, compose.FRAMEWORK)
        sources = [p for p in watched if Path(p).exists()]
        for changes in watchfiles.watch(*sources, raise_interrupt=False):
            paths = {Path(path).resolve().relative_to(Path.cwd()) for _, path in changes}
            began = time.monotonic()
            try:
                names = self._serve(paths)
            except Exception as failure:  # of any type: the next change may succeed
                self._terminal.say(f"not updated, the previous version is still served: {failure}")
            else:
                if names:
                    self._terminal.say(f"updated: {names} ({time.monotonic() - began:.1f} s)")
                    self._show_old_runs()

    def _serve(self, paths: set[Path]) -> str:
        """Serve changed files; return the names of what was updated."""
        served = []
        if layers.REQUIREMENTS in paths:
            digest = layers.requirements_digest()
            if digest == self._requirements:  # saved unchanged, or with other comments
                paths = paths - {layers.REQUIREMENTS}
            else:
                self._terminal.say(f"installing {layers.REQUIREMENTS} …")
                layers.install_requirements()
                self._requirements = digest
        if paths & _COMPOSED:
            compose.write()
        if paths & {_TEMPLATE, *_COMPOSED} and self._deployed != (text := _TEMPLATE.read_text()):
            self._terminal.say(f"deploying the changed {_TEMPLATE} …")
            mistakes = deploy.build(self._home)
            self._gaps.refuse_new(mistakes)
            self._use(deploy.deploy(self._home, self._aws, self._parameters))
            self._deployed = text
            served.append(str(_TEMPLATE))
            self._gaps.report(mistakes, self._stack)
        complete, only_code = layers.changed(paths)
        self._complete |= complete
        if self._complete | only_code:
            served += sorted(self._push_layers(only_code - self._complete))
        for folder in sorted(p.parts[1] for p in paths if _is_lambda_code(p)):
            self._push_lambda(folder)
            served.append(folder)
        return ", ".join(dict.fromkeys(served))

    def _push_lambda(self, folder: str) -> None:
        for name, resource in template.load()["Resources"].items():
            code = resource.get("Properties", {}).get("CodeUri")
            if isinstance(code, str) and Path(code) == Path("functions", folder):
                content = layers.zip_folder(Path("functions", folder))
                function = self._stack.ids[name]
                self._lambdas.update_function_code(FunctionName=function, ZipFile=content)
                return
        raise Failure(f"functions/{folder} is not in template.yaml")

    def _push_layers(self, only_code: set[str]) -> set[str]:
        """Publish the complete layers, and the code of others; update the layers of all Lambdas.

        Returns the layers that have changed.
        """
        # If only operations' code has changed, the documents that describe them are still valid.
        if only_code == {"OperationsLayer"}:
            mistakes = layers.rebuild_catalogue(self._home)
        else:
            mistakes = [m for layer in self._complete for m in layers.build(layer, self._home)]
        self._gaps.refuse_new(mistakes)
        changed = self._complete - self._unchanged()
        built = {layer: layers.zip_folder(layers.folder_of(layer, self._home)) for layer in changed}
        built |= {layers.SAVED + layer: layers.build_code(layer) for layer in sorted(only_code)}
        versions = {layer: self._publish(layer, content) for layer, content in built.items()}
        names = self._lambda_names
        with ThreadPoolExecutor(max_workers=len(names)) as pool:  # each waits for processes to end
            list(pool.map(lambda name: self._update_layers(name, versions), names))
        self._complete.clear()
        self._catalogue = layers.content_digest("CatalogueLayer", self._home)
        self._gaps.report(mistakes, self._stack)
        return changed | only_code

    def _unchanged(self) -> set[str]:
        """Return the catalogue if it has been built as it is served, as most saves leave it.

        Then only Lambdas with operations start anew, which takes half the time.
        """
        built = layers.content_digest("CatalogueLayer", self._home)
        return {"CatalogueLayer"} if built == self._catalogue else set()

    def _update_layers(self, name: str, versions: dict[str, str]) -> None:
        function = self._stack.ids[name]
        configuration = self._lambdas.get_function_configuration(FunctionName=function)
        arns = [layer["Arn"] for layer in configuration.get("Layers", [])]
        if (changed := _with_versions(arns, versions)) != arns:
            self._lambdas.update_function_configuration(FunctionName=function, Layers=changed)

    def _publish(self, layer: str, content: bytes) -> str:
        """Publish a layer; return its new version's ARN."""
        version = self._lambdas.publish_layer_version(LayerName=layer, Content={"ZipFile": content})
        arn: str = version["LayerVersionArn"]
        return arn

    def _show_old_runs(self) -> None:
        """Print which Lambdas still run the previous code: a process stops when its run ends."""
        busy = self._aws.retired()
        runs = [f"{self._stack.name_of(name)} ({count})" for name, count in busy.items()]
        if runs:
            self._terminal.say(f"still running the previous code: {', '.join(runs)}")


def _with_versions(arns: list[str], versions: dict[str, str]) -> list[str]:
    """Return a Lambda's layers with these versions; saved code comes after all other layers."""
    by_layer = {_layer_of(arn): arn for arn in arns}
    for layer, arn in versions.items():
        complete = layer.removeprefix(layers.SAVED)
        if complete in by_layer:
            by_layer[layer] = arn
            if layer == complete:
                by_layer.pop(layers.SAVED + layer, None)  # the complete layer has that code
    return list(by_layer.values())


def _layer_of(arn: str) -> str:
    """Return the layer in the template of a version's ARN: SAM adds a digest to the name."""
    name = arn.split(":")[6]
    return next((layer for layer in layers.FOLDERS if name.startswith(layer)), name)


def _is_lambda_code(path: Path) -> bool:
    """Return whether a changed path is a Lambda's code; a new folder can come without its files."""
    if path.parts[0] != "functions":
        return False
    return path.parent.is_dir() if path.suffix == ".py" else any(path.glob("*.py"))
