"""`make redrive`: sends webhooks again that were given up, of the local stack or of one on AWS."""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local import account, tools
from local.failure import Failure
from nowlater import instants
from nowlater.aws.table import Table
from nowlater.notifications.delivery import Delivery
from nowlater.notifications.delivery_store import Deliveries


def main() -> int:
    arguments = _arguments()
    try:
        redrive(tools.find_table(arguments), arguments)
    except (Failure, BotoCoreError, ClientError) as failure:
        print(account.explain(failure), file=sys.stderr)
        return 1
    return 0


def redrive(table: Table, arguments: argparse.Namespace) -> None:
    """Print each delivery that was given up, and send it again unless they are only listed."""
    deliveries, count = Deliveries(table), 0
    for delivery in deliveries.given_up():
        if arguments.owner not in (None, delivery.owner):
            continue
        if arguments.host not in (None, delivery.host):
            continue
        now, body = instants.now(), delivery.body or ""
        if not arguments.list and not deliveries.again(delivery, body, now, look_at=now):
            continue  # erased meanwhile
        count += 1
        print(_format(delivery), flush=True)
    if not count and (filters := _filters(arguments)):
        print(
            f"No webhook that was given up has {filters}: LIST=1 alone lists all.", file=sys.stderr
        )
        return
    outcome = "given up" if arguments.list else "sent again within a few minutes"
    print(
        f"{count} {'delivery is' if count == 1 else 'deliveries are'} {outcome}.", file=sys.stderr
    )


def _filters(arguments: argparse.Namespace) -> str:
    """Return what is asked for besides the list, as `make` has it."""
    given = {"OWNER": arguments.owner, "HOST": arguments.host}
    return " and ".join(f"{name}={value}" for name, value in given.items() if value is not None)


def _format(delivery: Delivery) -> str:
    last = delivery.attempts[-1] if delivery.attempts else None
    result = "none" if last is None else str(last.status or last.failure)
    attempts = f"{delivery.count} attempts, the last: {result}"
    return f"{delivery.event}  {delivery.owner}  {delivery.url}  {attempts}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    parser.add_argument("--owner", help="only webhooks of this owner (OWNER=)")
    parser.add_argument("--host", help="only webhooks to this host (HOST=)")
    parser.add_argument("--list", action="store_true", help="list them, and send none (LIST=1)")
    tools.add_stack_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
