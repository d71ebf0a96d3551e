"""Limits of requests and responses that more than one room keeps to."""

#: Tags of a job.
MAX_TAGS = 10
#: Bytes of a result that is sent directly: Lambda responds with 6 MB at most, as base64.
MAX_DIRECT_RESULT = 4 * 1024 * 1024
