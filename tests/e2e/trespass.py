"""An operation that tries what none may do, with the credentials of the Lambda that runs it."""

import os
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from nowlater import operation

STOLEN = {"PK": {"S": "APIKEY#0123456789ab"}, "SK": {"S": "APIKEY"}}


@operation(attempts=1, timeout=25)
def trespass(
    secret: str, authorizer: str, job: str, result: str, upload: str, letter: str
) -> dict[str, str]:
    """Tries each thing; returns what AWS said to it, "done" where it did as asked."""
    of_table, in_bucket = _of_table(job), _in_bucket(result, upload, letter)
    tries = of_table | in_bucket | _elsewhere(secret, authorizer)
    return {what: _said(attempt) for what, attempt in tries.items()}


type Tries = dict[str, Callable[[], Any]]


def _said(attempt: Callable[[], Any]) -> str:
    try:
        attempt()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


def _of_table(job: str) -> Tries:
    table, name = boto3.client("dynamodb"), os.environ["NOWLATER_TABLE"]
    set_owner = {
        "TableName": name,
        "UpdateExpression": "SET #owner = :owner",
        "ExpressionAttributeNames": {"#owner": "trespasser"},
        "ExpressionAttributeValues": {":owner": {"S": "another"}},
    }
    of_job = {"PK": {"S": "JOB#acme#0"}, "SK": {"S": job}}
    both = [{"Update": {"Key": key} | set_owner} for key in (of_job, STOLEN)]
    put = {name: [{"PutRequest": {"Item": STOLEN}}]}
    statement = f"UPDATE \"{name}\" SET x=1 WHERE PK='{STOLEN['PK']['S']}' AND SK='APIKEY'"
    secrets = {"PK": {"S": "SECRET#another"}, "SK": {"S": "SECRET"}}
    jobs = {"KeyConditionExpression": "PK = :pk"}
    jobs_of_another = {":pk": {"S": "JOB#another#0"}}
    return {
        "change an API key": lambda: table.update_item(Key=STOLEN, **set_owner),
        "put an API key": lambda: table.put_item(TableName=name, Item=STOLEN),
        "put it in a batch": lambda: table.batch_write_item(RequestItems=put),
        "change it in a transaction": lambda: table.transact_write_items(TransactItems=both),
        "change it by PartiQL": lambda: table.execute_statement(Statement=statement),
        "read an API key": lambda: table.get_item(TableName=name, Key=STOLEN),
        "read API keys": lambda: table.batch_get_item(RequestItems={name: {"Keys": [STOLEN]}}),
        "read an owner's secrets": lambda: table.get_item(TableName=name, Key=secrets),
        "scan the table": lambda: table.scan(TableName=name, Limit=1),
        "list jobs": lambda: table.query(
            TableName=name, ExpressionAttributeValues=jobs_of_another, **jobs
        ),
        "delete a job": lambda: table.delete_item(TableName=name, Key=of_job),
        "change a job": lambda: table.update_item(Key=of_job, **set_owner),
    }


def _in_bucket(result: str, upload: str, letter: str) -> Tries:
    client, name = boto3.client("s3"), os.environ["NOWLATER_BUCKET"]
    return {
        "read another's result": lambda: client.get_object(Bucket=name, Key=result),
        "read a dead letter": lambda: client.get_object(Bucket=name, Key=letter),
        "replace an upload": lambda: client.put_object(Bucket=name, Key=upload, Body=b"mine"),
        "delete an upload": lambda: client.delete_object(Bucket=name, Key=upload),
        "list the bucket": lambda: client.list_objects_v2(Bucket=name),
        "list results": lambda: client.list_objects_v2(Bucket=name, Prefix="results/"),
        "list uploads": lambda: client.list_objects_v2(Bucket=name, Prefix="uploads/another/"),
        "read an upload": lambda: client.get_object(Bucket=name, Key=upload),
    }


def _elsewhere(secret: str, authorizer: str) -> Tries:
    names = ("secretsmanager", "sqs", "sns", "lambda", "iam")
    secrets, queues, topics, lambdas, roles = map(boto3.client, names)
    webhooks, topic = os.environ["NOWLATER_WEBHOOK_QUEUE"], os.environ["NOWLATER_TOPIC"]
    return {
        "read the master secret": lambda: secrets.get_secret_value(SecretId=secret),
        "send a webhook": lambda: queues.send_message(QueueUrl=webhooks, MessageBody="{}"),
        "tell an end": lambda: topics.publish(TopicArn=topic, Message="{}"),
        "invoke the authorizer": lambda: lambdas.invoke(FunctionName=authorizer, Payload=b"{}"),
        "list roles": lambda: roles.list_roles(),
    }
