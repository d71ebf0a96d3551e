"""Runs all checks one after another, also after failures, and reports the progress."""

from collections.abc import Callable, Iterable

import requests
from botocore.exceptions import BotoCoreError, ClientError

from local.verify import doors, files, gateway, jobs, notifications, refusals
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Finding, Skipped
from local.verify.responses import cause

#: The checks that only a deployed stack can fail come first.
CHECKS = (
    *gateway.CHECKS,
    *files.CHECKS,
    *notifications.CHECKS,
    *doors.CHECKS,
    *jobs.CHECKS,
    *refusals.CHECKS,
)


def run(
    api: Caller, findings: list[Finding], show: Callable[[str], None], checks: Iterable[Check]
) -> None:
    """Append a finding for each check; after an interruption, the findings so far are valid."""
    all_checks = list(checks)
    for number, check in enumerate(all_checks, 1):
        show(f"{number} of {len(all_checks)}: {check.guarantee} …")
        finding = _find(api, check)
        findings.append(finding)
        if finding.result == "FAILED":
            show(f"  FAILED: {finding.evidence}")


def _find(api: Caller, check: Check) -> Finding:
    if api.remaining_s <= 0:
        return Finding(check.guarantee, "FAILED", "not checked: the time was over", "Time")
    try:
        return Finding(check.guarantee, "passed", check.verify(api))
    except Skipped as skipped:
        return Finding(check.guarantee, "skipped", str(skipped))
    except Broken as broken:
        return Finding(check.guarantee, "FAILED", str(broken), broken.part)
    except requests.JSONDecodeError as fault:
        return Finding(check.guarantee, "FAILED", f"a response is not JSON: {fault}", "Api")
    except requests.RequestException as fault:
        return Finding(check.guarantee, "FAILED", f"no response: {cause(fault)}", "Api")
    except (BotoCoreError, ClientError) as fault:
        return Finding(check.guarantee, "FAILED", f"the subscribed queue: {fault}", "Topic")
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as fault:
        evidence = f"a response is not as documented: {type(fault).__name__} {fault}"
        return Finding(check.guarantee, "FAILED", evidence, "Api")
