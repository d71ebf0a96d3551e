"""Limits of requests and responses that more than one package enforces."""

#: Tags per job.
MAX_TAGS = 10
#: Bytes of a result in a response: Lambda responds with at most 6 MB, and base64 adds a third.
MAX_DIRECT_RESULT = 4 * 1024 * 1024
