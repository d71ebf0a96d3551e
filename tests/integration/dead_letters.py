"""Dead letters: what is sent to their queue, what is in it, and what is kept of it."""

import json

from tests.integration.world import World

#: What no Lambda of ours can read in a message.
UNREADABLE = (
    "not a pointer",
    "{",
    "null",
    "[]",
    "{}",
    '{"owner": "acme"}',
    '{"owner": 1, "id": 2}',
    '{"owner": "acme", "id": ""}',
    '{"owner": "acme", "id": "JOB#acme#0"}',
    '{"url": "https://hooks.example.org", "owner": "acme"}',
    '{"a": ' + "[" * 100_000,
    "\U0001f600 ü",
    '{"owner": "", "id": "x"}',
    '{"owner": "a#b", "id": "JOB#acme#0"}',
)


def send(world: World, body: str) -> None:
    world.sqs.send_message(QueueUrl=world.ids["DeadLetterQueue"], MessageBody=body)


def pointer(job: str, owner: str = "acme") -> str:
    return json.dumps({"owner": owner, "id": job})


def letters(world: World) -> int:
    """Return how many dead letters are in the queue, in whatever state."""
    return sum(world.waiting("DeadLetter").values())


def kept(world: World) -> list[str]:
    """Return the bodies that are kept in the bucket."""
    return [world.object(key)[0].decode() for key in world.objects("dead-letters/")]
