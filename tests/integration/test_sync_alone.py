"""The sync Lambda with nothing but its layers: it starts fast because it needs no AWS SDK."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests import stack

#: Importing one of these raises ImportError. (Powertools looks whether there is a botocore, in vain.)
ABSENT = ("botocore", "boto3", "awscrt", "pydantic", "aws_xray_sdk")

PROGRAM = f"""
import json, sys
from types import SimpleNamespace
sys.modules.update(dict.fromkeys({ABSENT!r}))
sys.path.insert(0, sys.argv[1])
import app
context = SimpleNamespace(aws_request_id="1", function_name="Sync", memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:Sync")
print(json.dumps(app.handler(json.load(open(sys.argv[2])), context)))
"""


def test_the_sync_door_answers_where_there_is_no_aws_sdk(catalogue: Path) -> None:
    layers = (stack.ROOT / "layers/nowlater", stack.ROOT, catalogue)
    paths = {"PYTHONPATH": os.pathsep.join(map(str, layers))}
    folder, event = stack.ROOT / "functions/sync", stack.ROOT / "events/sync.json"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, folder, event],
        env=stack.environment({})
        | paths
        | {"POWERTOOLS_LOG_LEVEL": "ERROR", "NOWLATER_DIAGNOSTICS": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(ran.stdout)

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == "To be, or not to be: that is the question."
