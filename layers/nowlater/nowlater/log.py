"""The one logger: a JSON line per event, with owner and job, and never a payload."""

from aws_lambda_powertools.logging import Logger

logger = Logger(service="nowlater", use_rfc3339=True)
