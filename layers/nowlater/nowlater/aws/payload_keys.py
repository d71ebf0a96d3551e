"""Where payloads lie in the bucket."""

#: Lambda keeps the stream records here that it could not hand over; Notify, those it cannot read.
UNPUBLISHED = "aws/lambda/"


def input_key(owner: str, job_id: str) -> str:
    """Return the key of a job's input; a repeated submit writes the same."""
    return f"inputs/{owner}/{job_id}"


def result_key(owner: str, job_id: str, attempt: int) -> str:
    """Return the key of what one attempt made; only the winner's is the job's result."""
    return f"results/{owner}/{job_id}/{attempt}"


def upload_key(owner: str, upload_id: str) -> str:
    """Return the key of an upload; an owner's id can name no other owner's."""
    return f"uploads/{owner}/{upload_id}"


def unpublished_key(record_id: str) -> str:
    """Return the key of a stream record that no event can be made of."""
    return f"{UNPUBLISHED}unpublished/{record_id}"


def dead_letter_key(message_id: str) -> str:
    """Return the key of the body of a message that nobody could read."""
    return f"dead-letters/{message_id}"
