"""The keys of the bucket's objects."""

#: The prefix of stream records that Lambda could not deliver to Notify, and of those that Notify
#: cannot read.
UNPUBLISHED = "aws/lambda/"


def input_key(owner: str, job_id: str) -> str:
    """Return the key of a job's input; a repeated submit writes the same key."""
    return f"inputs/{owner}/{job_id}"


def result_key(owner: str, job_id: str, attempt: int) -> str:
    """Return the key of one attempt's result; only that of the finishing attempt is the job's."""
    return f"results/{owner}/{job_id}/{attempt}"


def upload_key(owner: str, upload_id: str) -> str:
    """Return the key of an upload; it contains the owner, so that no other owner can name it."""
    return f"uploads/{owner}/{upload_id}"


def unpublished_key(record_id: str) -> str:
    """Return the key of a stream record for which no event can be built."""
    return f"{UNPUBLISHED}unpublished/{record_id}"


def dead_letter_key(message_id: str) -> str:
    """Return the key of the body of a dead letter."""
    return f"dead-letters/{message_id}"
