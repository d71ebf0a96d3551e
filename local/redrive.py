"""`make redrive`: has webhooks that were given up sent again, of the local stack or of one on AWS."""

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
        redrive(tools.table(arguments), arguments)
    except (Failure, BotoCoreError, ClientError) as failure:
        print(account.sentence(failure), file=sys.stderr)
        return 1
    return 0


def redrive(table: Table, asked: argparse.Namespace) -> None:
    """Print each delivery that was given up, and have it sent again unless it is only listed."""
    deliveries, count = Deliveries(table), 0
    for there in deliveries.given_up():
        if asked.owner not in (None, there.owner) or asked.host not in (None, there.host):
            continue
        now = instants.now()
        if not asked.list and not deliveries.again(there, there.body or "", now, look_at=now):
            continue  # erased meanwhile
        count += 1
        print(_line(there), flush=True)
    kept = "given up" if asked.list else "sent again within some minutes"
    print(f"{count} {'delivery is' if count == 1 else 'deliveries are'} {kept}.", file=sys.stderr)


def _line(there: Delivery) -> str:
    last = there.attempts[-1] if there.attempts else None
    said = "never tried" if last is None else str(last.status or last.failure)
    return f"{there.event}  {there.owner}  {there.url}  {there.count} attempts, the last: {said}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make redrive", description=__doc__)
    parser.add_argument("--owner", help="only this owner's (OWNER=)")
    parser.add_argument("--host", help="only those to this host (HOST=)")
    parser.add_argument("--list", action="store_true", help="shows them, and sends none (LIST=1)")
    tools.take_stack(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
