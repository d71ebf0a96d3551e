"""Rules of S3."""

import json
import re
from collections.abc import Iterator

from local.intrinsics import Resolved
from tests.stack import one_or_more
from tests.unit.aws_rules.rule import append, at_most, bounded, one_of, put, rule

API = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
BUCKET, POLICY = "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
_RULES = ("Bucket", "LifecycleConfiguration", "Rules")
ACTIONS = {
    *("ExpirationInDays", "ExpirationDate", "Transitions", "NoncurrentVersionExpiration"),
    *("NoncurrentVersionTransitions", "AbortIncompleteMultipartUpload"),
    *("ExpiredObjectDeleteMarker", "NoncurrentVersionExpirationInDays"),
}

LIFECYCLE = f"{API}API_PutBucketLifecycleConfiguration.html"
bounded(BUCKET, "LifecycleConfiguration.Rules.*.ExpirationInDays", 1, 2_147_483_647, LIFECYCLE, "Bucket")  # fmt: skip
at_most(BUCKET, "LifecycleConfiguration.Rules.*.Id", 255, LIFECYCLE, "Bucket", "x")
at_most(
    *(BUCKET, "CorsConfiguration.CorsRules", 100, f"{API}API_PutBucketCors.html", "Bucket"),
    [{"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"]}],
)
one_of(
    *(BUCKET, "CorsConfiguration.CorsRules.*.AllowedMethods.*"),
    {"GET", "PUT", "HEAD", "POST", "DELETE"},
    *(f"{API}API_CORSRule.html", "Bucket", "PATCH"),
)
one_of(BUCKET, "LifecycleConfiguration.Rules.*.Status", {"Enabled", "Disabled"}, LIFECYCLE, "Bucket", "On")  # fmt: skip


@rule(LIFECYCLE, append({"Id": "inputs", "Status": "Enabled", "Prefix": "x/", "ExpirationInDays": 1}, *_RULES))  # fmt: skip
def each_rule_of_a_lifecycle_has_an_id_of_its_own(given: Resolved) -> Iterator[str]:
    for name, bucket in given.of_type(BUCKET).items():
        ids = [r.get("Id") for r in bucket.get("LifecycleConfiguration", {}).get("Rules", [])]
        for twice in sorted({i for i in ids if i and ids.count(i) > 1}):
            yield f"{name}: {twice}"


@rule(LIFECYCLE, append({"Id": "nothing", "Status": "Enabled", "Prefix": "x/"}, *_RULES))
def each_rule_of_a_lifecycle_does_something(given: Resolved) -> Iterator[str]:
    for name, bucket in given.of_type(BUCKET).items():
        for said in bucket.get("LifecycleConfiguration", {}).get("Rules", []):
            if not ACTIONS & set(said):
                yield f"{name}: {said['Id']}"


@rule(
    f"{API}API_CORSRule.html",
    put([{"AllowedOrigins": ["https://*.example.*"], "AllowedMethods": ["GET"]}], "Bucket", "CorsConfiguration", "CorsRules"),
)  # fmt: skip
def an_origin_has_one_star_at_most(given: Resolved) -> Iterator[str]:
    for name, bucket in given.of_type(BUCKET).items():
        for said in bucket.get("CorsConfiguration", {}).get("CorsRules", []):
            for origin in said["AllowedOrigins"]:
                if origin.count("*") > 1:
                    yield f"{name}: {origin}"


@rule(f"{GUIDE}bucketnamingrules.html", put("Jobs_of_ours", "Bucket", "BucketName"))
def a_buckets_name_is_one_of_dns(given: Resolved) -> Iterator[str]:
    for name in given.of_type(BUCKET):
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", given.names[name]):
            yield f"{name}: {given.names[name]}"


@rule(f"{GUIDE}about-object-ownership.html", put("PublicRead", "Bucket", "AccessControl"))
def a_bucket_whose_owner_is_enforced_has_no_access_list(given: Resolved) -> Iterator[str]:
    for name, bucket in given.of_type(BUCKET).items():
        rules = bucket.get("OwnershipControls", {}).get("Rules", [])
        enforced = any(r["ObjectOwnership"] == "BucketOwnerEnforced" for r in rules)
        if enforced and bucket.get("AccessControl", "Private") != "Private":
            yield f"{name}: {bucket['AccessControl']}"


@rule(
    f"{GUIDE}troubleshooting-bucket-policy.html",
    append({"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::another/*"}, "BucketPolicy", "PolicyDocument", "Statement"),
)  # fmt: skip
def a_buckets_policy_is_about_that_bucket(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        for statement in policy["PolicyDocument"]["Statement"]:
            for arn in one_or_more(statement["Resource"]):
                if arn.split(":::")[1].split("/")[0] != policy["Bucket"]:
                    yield f"{name}: {arn}"


@rule(
    f"{GUIDE}add-bucket-policy.html",
    append({"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}, "Condition": {"StringEquals": {"aws:SourceAccount": ["1" * 12] * 1500}}}, "BucketPolicy", "PolicyDocument", "Statement"),
)  # fmt: skip
def a_buckets_policy_has_at_most_20480_bytes(given: Resolved) -> Iterator[str]:
    for name, policy in given.of_type(POLICY).items():
        if (size := len(json.dumps(policy["PolicyDocument"]))) > 20_480:
            yield f"{name}: {size} bytes"
