"""Asks the questions of a first deployment at a terminal."""

import sys

from local import parameters, stages
from local.failure import Failure
from local.parameters import Declared

#: Parameters that a stack should have from the start and that have no useful default.
ASKED = ("AlarmsTo", "PublicUrl", "WebOrigins", "JwtIssuer", "JwtAudience")


def is_at_a_terminal() -> bool:
    """Return whether a user can answer questions; a stream that was closed is None."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def ask_region(default: str | None) -> str:
    """Ask for the region of a new stage."""
    while True:
        region = _ask("The region of the stack", default or "")
        try:
            stages.validate("region", region, "The region")
        except Failure as failure:
            print(failure)
        else:
            return region


def ask_parameters(declared: Declared, given: dict[str, str]) -> dict[str, str]:
    """Ask for the parameters in ASKED that are not given; return those that differ from defaults."""
    answers: dict[str, str] = {}
    for name in ASKED:
        is_needless = name == "JwtAudience" and not (answers | given).get("JwtIssuer")
        if name not in given and not is_needless:
            default = str(declared[name].get("Default", ""))
            if (answer := _ask_parameter(declared, name, default)) != default:
                answers[name] = answer
    return answers


def confirm(question: str) -> None:
    """Raise Failure unless the answer is yes."""
    if _ask(f"{question} (yes or no)", "yes").lower() not in ("y", "yes"):
        raise Failure("Nothing was built or deployed.")


def _ask_parameter(declared: Declared, name: str, default: str) -> str:
    print(f"\n{declared[name].get('Description', name)}")
    while True:
        answer = _ask(name, default)
        if not (fault := parameters.find_fault(declared, name, answer)):
            return answer
        print(fault)


def _ask(question: str, default: str) -> str:
    try:
        return input(f"{question} [{default}]: ").strip() or default
    except EOFError as error:
        raise Failure("\nNothing was built or deployed.") from error
