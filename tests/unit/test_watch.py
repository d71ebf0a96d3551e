"""What is built and pushed of what was saved."""

import io
import re
import zipfile
from pathlib import Path

import pytest

from local import deploy, layers
from local.watch import _with_versions
from tests.stack import ROOT


def arn(layer: str, version: int = 1) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:layer:{layer}:{version}"


@pytest.mark.parametrize(
    ("paths", "whole", "code"),
    [
        (["operations/text.py"], {"CatalogueLayer"}, {"OperationsLayer"}),
        (["operations/tests/test_text.py", "operations/resources.yaml"], set(), set()),
        (["operations/sub"], {"CatalogueLayer"}, {"OperationsLayer"}),
        (["layers/nowlater/nowlater/runtime/executor.py"], {"CatalogueLayer"}, {"NowlaterLayer"}),
        (["operations/requirements.txt"], {"CatalogueLayer", "OperationsLayer"}, set()),
        (["layers/operations/Makefile"], {"CatalogueLayer", "OperationsLayer"}, set()),
        (["layers/tokens/requirements.txt"], {"CatalogueLayer", "TokensLayer"}, set()),
        (["layers/catalogue/build.py"], {"CatalogueLayer"}, set()),
        (
            ["operations/requirements.txt", "operations/text.py"],
            {"CatalogueLayer", "OperationsLayer"},
            set(),
        ),
        (["functions/work/app.py", "template.yaml", "layers/layer.mk", "layers"], set(), set()),
    ],
)
def test_packages_are_installed_again_only_where_they_may_have_changed(
    paths: list[str], whole: set[str], code: set[str]
) -> None:
    assert layers.changed(map(Path, paths)) == (whole, code)


def test_what_is_saved_has_as_many_files_as_what_is_built() -> None:
    (removed,) = re.findall(r"rm -rf (.*)", (ROOT / "layers/operations/Makefile").read_text())

    assert set(removed.split()) == layers.NOT_CODE


def test_saved_code_comes_after_the_layer_that_it_replaces() -> None:
    before = [arn("NowlaterLayer0a1b"), arn("OperationsLayer0a1b"), arn("CatalogueLayer0a1b")]
    saved = _with_versions(before, {"SavedOperationsLayer": arn("SavedOperationsLayer")})

    assert saved == [*before, arn("SavedOperationsLayer")]
    assert _with_versions(saved, {"SavedOperationsLayer": arn("SavedOperationsLayer", 2)}) == [
        *before,
        arn("SavedOperationsLayer", 2),
    ]


def test_a_layer_that_is_built_whole_has_its_code_itself() -> None:
    before = [arn("OperationsLayer0a1b"), arn("Own"), arn("SavedOperationsLayer")]

    assert _with_versions(before, {"OperationsLayer": arn("OperationsLayer")}) == [
        arn("OperationsLayer"),
        arn("Own"),
    ]


def test_a_lambda_without_a_layer_gets_no_code_of_it() -> None:
    before = [arn("NowlaterLayer0a1b"), arn("Own")]

    assert _with_versions(before, {"SavedOperationsLayer": arn("SavedOperationsLayer")}) == before
    assert _with_versions(before, {"CatalogueLayer": arn("CatalogueLayer")}) == before


def test_code_is_packed_without_packages() -> None:
    with zipfile.ZipFile(io.BytesIO(layers.build_code("OperationsLayer"))) as layer:
        names = layer.namelist()

    assert "python/operations/text.py" in names
    assert {name.split("/")[1] for name in names} == {"operations"}


def test_the_output_of_a_tool_is_shown_without_unrelated_lines() -> None:
    uv = "  × No solution found:\n  ╰─▶ Because nosuch was not found, we can conclude …\nmake: *** [../layer.mk:4: build-OperationsLayer] Error 1\n"  # fmt: skip
    line = "operations/a.py:2: op: the parameter n needs an annotation"
    ours = "error: No network\n  cause: DNS\nmake[1]: *** [/a b/layers/nowlater/Makefile:5: build-NowlaterLayer] Error 2\n"  # fmt: skip

    assert layers.readable_errors(uv) == (
        "operations/requirements.txt: No solution found: Because nosuch was not found, "
        "we can conclude …"
    )
    assert layers.readable_errors(ours) == (
        "layers/nowlater/requirements.txt: No network cause: DNS"
    )
    assert (
        layers.readable_errors(f"{line}\nmake: *** [Makefile:5: build-CatalogueLayer] Error 1\n")
        == line
    )


def test_of_a_build_that_a_makefile_ended_only_what_it_said_is_shown(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("make[1]: Entering\nuv pip …\nError: CustomMakeBuilder:MakeBuild - Make Failed: error: Why\nmake: *** [Makefile:3: build-OperationsLayer] Error 2\n")  # fmt: skip

    assert deploy._tail(log) == "operations/requirements.txt: Why"
    log.write_text("Error: Template file is wrong\n")
    assert deploy._tail(log) == "Error: Template file is wrong"
