"""Serves changed source files: pushes a changed layer or Lambda, deploys a changed template."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from local import compose, deploy, fragment, layers, template
from local.emulator import Emulator
from local.failure import Failure
from local.gaps import Gaps
from local.sources import Sources
from local.stack import Stack
from local.terminal import Terminal

#: The template, and what it is composed of.
_TEMPLATE, _COMPOSED = compose.TEMPLATE, {compose.FRAMEWORK, fragment.PATH}
_WATCHED = (Path("functions"), Path("layers"), layers.OPERATIONS, _TEMPLATE, compose.FRAMEWORK)


def sources() -> Sources:
    """Return the sources of a stack: what changes from now on is to be served."""
    return Sources(_WATCHED)


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
        changed: Sources,
    ) -> None:
        self._sources = changed
        self._home, self._aws, self._parameters = home, aws, parameters
        self._gaps, self._terminal = gaps, terminal
        self._lambdas = stack.client("lambda")
        self._use(stack)
        self._requirements = layers.requirements_digest()
        #: The template that is deployed: composing it is a change of its own.
        self._deployed = _TEMPLATE.read_text()
        #: What is still to be served: layers to build completely, and those whose code has changed,
        #: folders of Lambdas, a template.
        self._complete, self._only_code = set[str](), set[str]()
        self._folders, self._is_deployed = set[str](), True

    def _use(self, stack: Stack) -> None:
        """Note a stack as it was deployed; its template is large, and is read only here."""
        self._stack = stack
        self._lambda_names = [name for name, _ in stack.of_type("AWS::Lambda::Function")]
        self._catalogue = layers.content_digest("CatalogueLayer", self._home)

    def run(self) -> None:
        for paths in self._sources.changes():
            began = time.monotonic()
            self._note(paths)
            served, failures = self._serve()
            for failure in failures:
                self._terminal.say(f"not updated, the previous version is still served: {failure}")
            if served:
                names = ", ".join(served)
                self._terminal.say(f"updated: {names} ({time.monotonic() - began:.1f} s)")
                self._show_old_runs()

    def _note(self, paths: set[Path]) -> None:
        """Note what there is to do after a change."""
        complete, only_code = layers.changed(paths - {layers.REQUIREMENTS})
        self._complete |= complete
        self._only_code |= only_code
        self._is_deployed &= paths.isdisjoint({_TEMPLATE, *_COMPOSED})
        self._folders |= {
            p.parts[1] for p in paths if p.parts[0] == "functions" and len(p.parts) > 2
        }

    def _serve(self) -> tuple[list[str], list[str]]:
        """Serve all that is to be served; return what was updated, and what failed, as messages.

        What fails is still to be done, and tried again at the next change of any file.
        """
        if not layers.OPERATIONS.is_dir():  # in the middle of a checkout; its resources must not go
            return [], [f"the folder {layers.OPERATIONS}/ is gone"]
        served, failures = list[str](), list[str]()
        steps: list[Callable[[], list[str]]] = [self._install, self._deploy, self._push_layers]
        steps += [partial(self._push_lambda, folder) for folder in sorted(self._folders)]
        for step in steps:
            try:
                served += step()
            except Exception as failure:  # of any type: the next change may succeed
                failures.append(str(failure))
        return list(dict.fromkeys(served)), list(dict.fromkeys(failures))

    def _install(self) -> list[str]:
        """Install requirements that have changed, other than in comments."""
        digest = layers.requirements_digest()
        if digest != self._requirements:
            self._terminal.say(f"installing {layers.REQUIREMENTS} …")
            layers.install_requirements()
            self._requirements = digest
            self._complete |= layers.changed([layers.REQUIREMENTS])[0]
        return []

    def _deploy(self) -> list[str]:
        """Compose and deploy the template if it has changed."""
        if self._is_deployed:
            return []
        compose.write()
        text, served = _TEMPLATE.read_text(), list[str]()
        if text != self._deployed:
            self._terminal.say(f"deploying the changed {_TEMPLATE} …")
            mistakes = deploy.build(self._home)
            self._gaps.refuse_new(mistakes)
            self._use(deploy.deploy(self._home, self._aws, self._parameters))
            self._deployed = text
            self._gaps.report(mistakes, self._stack)
            served.append(str(_TEMPLATE))
        self._is_deployed = True
        return served

    def _push_lambda(self, folder: str) -> list[str]:
        """Push the code of a Lambda, unless its folder is gone, or has no code yet."""
        path, served = Path("functions", folder), list[str]()
        if any(path.glob("*.py")):
            content = layers.zip_folder(path)
            self._lambdas.update_function_code(FunctionName=self._function(path), ZipFile=content)
            served.append(folder)
        self._folders.discard(folder)
        return served

    def _function(self, path: Path) -> str:
        """Return the name of the function with the code in a folder; raises Failure."""
        for name, resource in template.load()["Resources"].items():
            code = resource.get("Properties", {}).get("CodeUri")
            if isinstance(code, str) and Path(code) == path:
                return self._stack.ids[name]
        raise Failure(f"{path} is not in template.yaml")

    def _push_layers(self) -> list[str]:
        """Publish the complete layers, and the code of others; update the layers of all Lambdas.

        Returns the layers that have changed.
        """
        only_code = self._only_code - self._complete
        if not self._complete | only_code:
            return []
        layers.refuse_too_large()
        mistakes = self._build(only_code)
        self._gaps.refuse_new(mistakes)
        changed = self._complete - self._unchanged()
        built = {layer: layers.zip_folder(layers.folder_of(layer, self._home)) for layer in changed}
        built |= {layers.SAVED + layer: layers.build_code(layer) for layer in sorted(only_code)}
        versions = {layer: self._publish(layer, content) for layer, content in built.items()}
        names = self._lambda_names
        with ThreadPoolExecutor(max_workers=len(names)) as pool:  # each waits for processes to end
            list(pool.map(lambda name: self._update_layers(name, versions), names))
        self._complete, self._only_code = set(), set()
        self._catalogue = layers.content_digest("CatalogueLayer", self._home)
        self._gaps.report(mistakes, self._stack)
        return sorted(changed | only_code)

    def _build(self, only_code: set[str]) -> list[str]:
        """Build the complete layers; return the mistakes of operations that are left out."""
        # If only operations' code has changed, the documents that describe them are still valid.
        if (self._complete, only_code) == ({"CatalogueLayer"}, {"OperationsLayer"}):
            return layers.rebuild_catalogue(self._home)
        return [m for layer in self._complete for m in layers.build(layer, self._home)]

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
