"""The names, ARNs and URLs of a stack's resources, in the form and length that CloudFormation gives."""

import hashlib

ACCOUNT = "123456789012"
#: The longest name that CloudFormation makes for a resource, where a service limits it.
LONGEST_NAMES = {"Function": 64, "Role": 64, "Bucket": 63, "Queue": 80, "HttpApi": 10, "Api": 10}
_LONGEST_NAME = 255
#: What is before the name in the ARN of a resource, if it is more than region and account.
_IN_ARN = {
    "Function": "lambda:{region}:{account}:function:",
    "LayerVersion": "lambda:{region}:{account}:layer:",
    "Queue": "sqs:{region}:{account}:",
    "Topic": "sns:{region}:{account}:",
    "Table": "dynamodb:{region}:{account}:table/",
    "Bucket": "s3:::",
    "Role": "iam::{account}:role/",
    "ManagedPolicy": "iam::{account}:policy/",
    "LogGroup": "logs:{region}:{account}:log-group:",
    "Secret": "secretsmanager:{region}:{account}:secret:",
    "Alarm": "cloudwatch:{region}:{account}:alarm:",
}
#: For these, `Ref` is the ARN.
_REF_IS_ARN = {"Topic", "LayerVersion", "ManagedPolicy", "Secret"}
#: The property with a resource's name, if it is not the type's name and "Name"; "" if there is none.
_NAMED_BY = {"LayerVersion": "LayerName", "HttpApi": "", "Api": "", "Secret": "", "Parameter": ""}


def kind_of(resource_type: str) -> str:
    """Return the last part of a type: Queue for AWS::SQS::Queue."""
    return resource_type.rpartition("::")[2]


def name_property(kind: str) -> str:
    """Return the property by which a template can name a resource of this kind."""
    return _NAMED_BY.get(kind, f"{kind}Name")


def generate_name(logical_id: str, kind: str, stack_name: str) -> str:
    """Return a name like those that CloudFormation makes; it depends only on the arguments."""
    longest = LONGEST_NAMES.get(kind, _LONGEST_NAME)
    suffix = hashlib.sha256(logical_id.encode()).hexdigest()[:12].upper()
    if longest <= len(suffix):
        return suffix.lower()[:longest]
    own = f"{logical_id}-{suffix}"
    name = f"{stack_name[: longest - len(own) - 1]}-{own}"
    return name.lower() if kind == "Bucket" else name


def arn(kind: str, name: str, region: str) -> str:
    """Return a resource's ARN."""
    prefix = _IN_ARN.get(kind, "service:{region}:{account}:").format(region=region, account=ACCOUNT)
    version = ":1" if kind == "LayerVersion" else ""
    return f"arn:aws:{prefix}{name}{version}"


def reference(kind: str, name: str, region: str) -> str:
    """Return the value of `Ref` for a resource."""
    if kind == "Queue":
        return f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}"
    return arn(kind, name, region) if kind in _REF_IS_ARN else name
