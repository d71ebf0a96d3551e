"""The two lanes of jobs: one for jobs with a deadline, and one for jobs that may wait."""

from typing import Literal

type Lane = Literal["on-time", "flexible"]
