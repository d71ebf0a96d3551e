"""The questions of a first deployment, at a terminal."""

import sys

from local import parameters, stages
from local.failure import Failure
from local.parameters import Declared

#: What a stack should have from the start, and its defaults cannot know. All others can be set later.
ASKED = ("AlarmsTo", "PublicUrl", "WebOrigins", "JwtIssuer", "JwtAudience")


def is_at_a_terminal() -> bool:
    """Tell whether somebody is there to answer; a stream that was closed is None."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def ask_region(known: str | None) -> str:
    """Ask for the region of a new stage."""
    while True:
        region = _ask("The region that it is to be in", known or "")
        try:
            stages.check("region", region, "The region")
        except Failure as failure:
            print(failure)
        else:
            return region


def ask_parameters(declared: Declared, given: dict[str, str]) -> dict[str, str]:
    """Ask for the parameters that matter and are not given; return those that differ from defaults."""
    answers: dict[str, str] = {}
    for name in ASKED:
        needless = name == "JwtAudience" and not (answers | given).get("JwtIssuer")
        if name in declared and name not in given and not needless:
            default = str(declared[name].get("Default", ""))
            if (answer := _ask_parameter(declared, name, default)) != default:
                answers[name] = answer
    return answers


def confirm(what: str) -> None:
    """Raise Failure unless the answer is yes."""
    if _ask(f"{what} (yes or no)", "yes").lower() not in ("y", "yes"):
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
