"""Files: what goes to the bucket and comes from it, by URLs that are good without a key."""

from local.verify.answers import described
from local.verify.caller import TEXT_STATS, Caller
from local.verify.finding import Broken, Check, Skipped

_CSV = b"name,age\nAda,36\nGrace,85\n"
_CSV_PROFILE = "csv-profile"
#: So many words make a result of more than the 16 KB that a job has inside.
_WORDS = 1000


def _upload(api: Caller) -> str:
    asked = {"size": len(_CSV), "media_type": "text/csv"}
    to = api.expect(201, "POST", "/uploads", json=asked).json()
    put = api.outside(to["method"], to["url"], data=_CSV, headers=to["headers"])
    if put.status_code != 200:
        raise Broken(f"the presigned PUT answered {described(put)}, not 200", "Bucket")
    api.uploaded += len(_CSV)
    again = api.outside(to["method"], to["url"], data=_CSV, headers=to["headers"])
    if again.status_code != 412:
        raise Broken(f"a second PUT answered {described(again)}, not 412", "Bucket")
    if _CSV_PROFILE not in api.operations:
        return f"PUT 200, a second one 412; no {_CSV_PROFILE} here that would read it"
    used = api.ask("sync", 200, operation=_CSV_PROFILE, given={"csv": to["use"]})
    names = [column["name"] for column in used.json()["columns"]]
    if names != ["name", "age"]:
        raise Broken(f"{_CSV_PROFILE} of the upload has the columns {names}", "Sync")
    return f"PUT 200, a second one 412; {_CSV_PROFILE} has read it"


def _large_result(api: Caller) -> str:
    if TEXT_STATS not in api.operations:
        raise Skipped(f"needs the operation {TEXT_STATS}, which this stack does not serve")
    text = " ".join(f"word{n}" for n in range(_WORDS))
    job = api.submit(operation=TEXT_STATS, given={"text": text, "top": _WORDS})
    api.succeeded(job["id"])
    answer = api.expect(303, "GET", f"/jobs/{job['id']}/result")
    got = api.outside("GET", answer.headers["Location"])
    if got.status_code != 200:
        raise Broken(f"the presigned GET answered {described(got)}, not 200", "Bucket")
    if len(got.json()["top_words"]) != _WORDS:
        raise Broken("the result in the bucket is not the job's", "Work")
    return f"303, and {len(got.content)} bytes of the bucket"


CHECKS = (
    Check("an upload by a presigned PUT, once, which an operation reads", _upload),
    Check("a large result by a presigned GET", _large_result),
)
