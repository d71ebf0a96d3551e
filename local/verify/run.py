"""Runs the checks one after another, whatever comes of each, and says how far it is."""

from collections.abc import Callable, Iterable

import requests
from botocore.exceptions import BotoCoreError, ClientError

from local.verify import doors, files, gateway, jobs, refusals, told
from local.verify.answers import cause
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Finding, Skipped

#: What only a deployed stack can answer comes first.
CHECKS = (
    *gateway.CHECKS,
    *files.CHECKS,
    *told.CHECKS,
    *doors.CHECKS,
    *jobs.CHECKS,
    *refusals.CHECKS,
)


def run(
    api: Caller, findings: list[Finding], show: Callable[[str], None], checks: Iterable[Check]
) -> None:
    """Add a finding for each check; those that are there when it is interrupted are good."""
    listed = list(checks)
    for number, check in enumerate(listed, 1):
        show(f"{number} of {len(listed)}: {check.guarantee} …")
        finding = _find(api, check)
        findings.append(finding)
        if finding.result == "FAILED":
            show(f"  FAILED: {finding.evidence}")


def _find(api: Caller, check: Check) -> Finding:
    if api.left_s <= 0:
        return Finding(check.guarantee, "FAILED", "not checked: the time was over", "Time")
    try:
        return Finding(check.guarantee, "passed", check.see(api))
    except Skipped as skipped:
        return Finding(check.guarantee, "skipped", str(skipped))
    except Broken as broken:
        return Finding(check.guarantee, "FAILED", str(broken), broken.part)
    except requests.JSONDecodeError as fault:
        return Finding(check.guarantee, "FAILED", f"an answer is not JSON: {fault}", "Api")
    except requests.RequestException as fault:
        return Finding(check.guarantee, "FAILED", f"no answer came: {cause(fault)}", "Api")
    except (BotoCoreError, ClientError) as fault:
        return Finding(check.guarantee, "FAILED", f"its queue: {fault}", "Topic")
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration) as fault:
        evidence = f"an answer is not as documented: {type(fault).__name__} {fault}"
        return Finding(check.guarantee, "FAILED", evidence, "Api")
