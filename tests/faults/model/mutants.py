"""Where the model shows what a rule of the protocol is for."""

from tests.faults.model.scenarios import SCENARIOS
from tests.faults.model.search import Found, search
from tests.faults.mutations import Mutation

#: Clauses that no run of the code can show to be needed, and why: they say again what holds anyway.
REDUNDANT = {
    "reclaim:ABANDONED.status": "because only a running job has a lease",
    "expire:LATE": "because who expires a job has just compared its deadline with the same clock",
    "reschedule:WAITS_OR_RUNS": "because an end takes away the next look, which UNMOVED asks for",
    "erase:FINISHED": "because who erases a job has just seen its end, and ends do not change",
}

#: The scenario in which it shows that a rule is left out, by how the mutation's name begins.
_WHERE = {
    "claim:IN_TIME": "by",
    "reclaim:IN_TIME": "by",
    "progress:MINE.token": "slow",
    "progress": "progress",
    "finish:MINE.token": "slow",
    "finish:IN_TIME": "by",
    "finish:MINE": "erase",
    "release:MINE.token": "slow",
    "release:MINE": "erase",
    "cancel": "by-cancel",
    "expire": "erase-by",
    "exhaust:IN_TIME": "dead-letter-by",
    "exhaust": "dead-letter",
    "reschedule": "late-wait",
    "a late job": "by",
    "a job that no worker can end": "dead-letter",
    "the sweep": "late",
}


def search_without(mutation: Mutation) -> Found:
    """Search until a violation shows that a rule is left out."""
    names = (where for name, where in _WHERE.items() if mutation.name.startswith(name))
    name = next(names, "async")
    scenario = next(s for s in SCENARIOS if s.name == name)
    with mutation.applied():
        return search(scenario, first_only=True)
