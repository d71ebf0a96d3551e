"""Rules of DynamoDB."""

import re
from collections.abc import Iterator
from typing import Any

from local.intrinsics import Resolved
from tests.unit.aws_rules.rule import append, at_most, one_of, place, put, rule

API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
QUOTAS = f"{GUIDE}ServiceQuotas.html"
TABLE = "AWS::DynamoDB::Table"
_INDEX = ("Table", "GlobalSecondaryIndexes", 0)

at_most(TABLE, "LocalSecondaryIndexes", 5, QUOTAS, "Table", [{"KeySchema": []}])
one_of(TABLE, "BillingMode", {"PAY_PER_REQUEST", "PROVISIONED"}, f"{API}API_CreateTable.html", "Table", "ON_DEMAND")  # fmt: skip
one_of(
    *(TABLE, "GlobalSecondaryIndexes.*.Projection.ProjectionType"),
    {"KEYS_ONLY", "INCLUDE", "ALL"},
    *(f"{API}API_Projection.html", "Table", "NONE"),
)
one_of(
    *(TABLE, "AttributeDefinitions.*.AttributeType", {"S", "N", "B"}),
    *(f"{API}API_AttributeDefinition.html", "Table", "BOOL"),
)
one_of(
    *(TABLE, "StreamSpecification.StreamViewType"),
    {"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"},
    *(f"{API}API_StreamSpecification.html", "Table", "NEW_AND_OLD_IMAGES_AND_MORE"),
)


def indexes(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *table.get("GlobalSecondaryIndexes", []),
        *table.get("LocalSecondaryIndexes", []),
    ]


@rule(
    f"{API}API_CreateTable.html",
    append({"AttributeName": "owner", "AttributeType": "S"}, "Table", "AttributeDefinitions"),
    put("due_by", *_INDEX, "KeySchema", 1, "AttributeName"),
)
def the_attributes_that_are_defined_are_those_of_keys(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        schemas = [table.get("KeySchema", []), *(i["KeySchema"] for i in indexes(table))]
        used = {key["AttributeName"] for schema in schemas for key in schema}
        defined = {a["AttributeName"] for a in table.get("AttributeDefinitions", [])}
        for mismatched in sorted(used ^ defined):
            if "KeySchema" in table:
                yield f"{name}: {mismatched} is {'not defined' if mismatched in used else 'in no key'}"


@rule(f"{API}API_KeySchemaElement.html", put("RANGE", "Table", "KeySchema", 0, "KeyType"))
def a_key_is_a_hash_and_then_perhaps_a_range(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        for schema in (table.get("KeySchema"), *(i["KeySchema"] for i in indexes(table))):
            kinds = [key["KeyType"] for key in schema or []]
            if kinds not in ([], ["HASH"], ["HASH", "RANGE"]):
                yield f"{name}: {kinds}"


@rule(f"{API}API_GlobalSecondaryIndex.html", put("d", *_INDEX, "IndexName"))
def an_index_has_a_name_of_3_to_255_characters(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        for index in table.get("GlobalSecondaryIndexes", []):
            if not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", index["IndexName"]):
                yield f"{name}: {index['IndexName']}"


@rule(
    f"{API}API_Projection.html",
    put(["owner"], *_INDEX, "Projection", "NonKeyAttributes"),
)
def only_a_projection_that_includes_names_attributes(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        for index in indexes(table):
            projection = index.get("Projection", {})
            includes = projection.get("ProjectionType") == "INCLUDE"
            if includes != bool(projection.get("NonKeyAttributes")):
                yield f"{name}: {projection}"


@rule(f"{GUIDE}HowItWorks.TTL.html", put("PK", "Table", "TimeToLiveSpecification", "AttributeName"))
def the_time_to_live_is_a_number(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        kinds = {a["AttributeName"]: a["AttributeType"] for a in table.get("AttributeDefinitions", [])}  # fmt: skip
        attribute = table.get("TimeToLiveSpecification", {}).get("AttributeName")
        if kinds.get(attribute, "N") != "N":
            yield f"{name}: {attribute} is {kinds[attribute]}"


@rule(
    f"{API}API_CreateTable.html",
    place({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "Resources", "Table", "Properties", "ProvisionedThroughput"),
)  # fmt: skip
def a_table_that_is_paid_by_request_provisions_nothing(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        for part in (table, *table.get("GlobalSecondaryIndexes", [])):
            if table.get("BillingMode") == "PAY_PER_REQUEST" and "ProvisionedThroughput" in part:
                yield f"{name}: {part['ProvisionedThroughput']}"


@rule(QUOTAS, put([{"IndexName": f"due{n}", "KeySchema": [{"AttributeName": "due_shard", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}} for n in range(21)], "Table", "GlobalSecondaryIndexes"))  # fmt: skip
def a_table_has_at_most_20_global_indexes(given: Resolved) -> Iterator[str]:
    for name, table in given.of_type(TABLE).items():
        if (number := len(table.get("GlobalSecondaryIndexes", []))) > 20:
            yield f"{name}: {number}"


@rule(
    f"{API}API_CreateTable.html",
    put("name!", "Table", "TableName"),
)
def a_tables_name_has_3_to_255_characters_of_those_allowed(given: Resolved) -> Iterator[str]:
    for name in given.of_type(TABLE):
        if not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", given.names[name]):
            yield f"{name}: {given.names[name]}"
