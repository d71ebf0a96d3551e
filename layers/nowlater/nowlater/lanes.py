"""The two lanes of jobs: one for those with a deadline, and one for those that may wait."""

from typing import Literal

type Lane = Literal["on-time", "flexible"]
