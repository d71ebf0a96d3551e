"""Checks of files: uploads to the bucket and results from it, by presigned URLs without a key."""

from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped
from local.verify.options import TEXT_STATS
from local.verify.responses import describe

_CSV = b"name,age\nAda,36\nGrace,85\n"
_CSV_PROFILE = "csv-profile"
#: The result of this many words is larger than the 16 KB that a job can contain.
_WORDS = 1000


def _upload(api: Caller) -> str:
    file = {"size": len(_CSV), "media_type": "text/csv"}
    upload = api.expect(201, "POST", "/uploads", json=file).json()
    method, url, headers = upload["method"], upload["url"], upload["headers"]
    put = api.call_presigned(method, url, data=_CSV, headers=headers)
    if put.status_code != 200:
        raise Broken(f"the presigned PUT returned {describe(put)}, not 200", "Bucket")
    api.uploaded_bytes += len(_CSV)
    second = api.call_presigned(method, url, data=_CSV, headers=headers)
    if second.status_code != 412:
        raise Broken(f"a second PUT returned {describe(second)}, not 412", "Bucket")
    if _CSV_PROFILE not in api.operations:
        return f"PUT 200, a second one 412; this stack has no {_CSV_PROFILE} to read it"
    arguments = {"csv": upload["use"]}
    profile = api.call_operation("sync", 200, operation=_CSV_PROFILE, input=arguments).json()
    names = [column["name"] for column in profile["columns"]]
    if names != ["name", "age"]:
        raise Broken(f"{_CSV_PROFILE} of the upload has the columns {names}", "Sync")
    return f"PUT 200, a second one 412; {_CSV_PROFILE} has read it"


def _large_result(api: Caller) -> str:
    if TEXT_STATS not in api.operations:
        raise Skipped(f"needs the operation {TEXT_STATS}, which this stack does not serve")
    text = " ".join(f"word{n}" for n in range(_WORDS))
    job = api.submit(operation=TEXT_STATS, input={"text": text, "top": _WORDS})
    api.wait_for_success(job["id"])
    redirect = api.expect(303, "GET", f"/jobs/{job['id']}/result")
    result = api.call_presigned("GET", redirect.headers["Location"])
    if result.status_code != 200:
        raise Broken(f"the presigned GET returned {describe(result)}, not 200", "Bucket")
    if len(result.json()["top_words"]) != _WORDS:
        raise Broken("the result in the bucket is not the job's", "Work")
    return f"303, and {len(result.content)} bytes from the bucket"


CHECKS = (
    Check("a presigned PUT uploads a file once, and an operation reads it", _upload),
    Check("a presigned GET returns a large result", _large_result),
)
