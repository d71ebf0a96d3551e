"""`make key`: makes, lists and revokes API keys, of the local stack or of one on AWS."""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local import tools
from local.failure import Failure
from nowlater import keys, timing
from nowlater.table import Table

_MOST_DAYS = 36500


def main() -> int:
    arguments = _arguments()
    try:
        table = tools.table(arguments)
        if arguments.list:
            for key in keys.listed(table):
                print(_line(key))
        elif arguments.revoke:
            _revoke(table, arguments.revoke)
        else:
            _issue(table, arguments)
    except (Failure, ValueError, BotoCoreError, ClientError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _issue(table: Table, asked: argparse.Namespace) -> None:
    if asked.days is not None and not 1 <= asked.days <= _MOST_DAYS:
        raise Failure(
            f"DAYS is a number from 1 to {_MOST_DAYS}; without it, a key is good for ever"
        )
    now = timing.now()
    expires = None if asked.days is None else timing.after(now, asked.days * timing.DAY_S)
    scopes = tuple(asked.scopes.split(","))
    key, token = keys.issue(table, asked.owner, now=now, scopes=scopes, expires=expires)
    print(token)
    print(
        f"{_line(key)}\nThe key above is not shown again: only a digest is kept.", file=sys.stderr
    )


def _revoke(table: Table, key_id: str) -> None:
    if not any(key.id == key_id for key in keys.listed(table)):
        raise Failure(f"there is no key {key_id}; make key LIST=1 shows those that there are")
    keys.revoke(table, key_id)
    print(f"{key_id} is revoked; API Gateway may remember it for five minutes more.")


def _line(key: keys.Key) -> str:
    end = "for ever" if key.expires is None else f"until {timing.to_rfc3339(key.expires)}"
    return f"{key.id}  {key.owner}  {','.join(key.scopes)}  {end}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make key", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--owner", help="makes a key for this owner (OWNER=)")
    what.add_argument("--list", action="store_true", help="lists all keys (LIST=1)")
    what.add_argument("--revoke", metavar="ID", help="takes a key away (REVOKE=)")
    parser.add_argument("--scopes", default=",".join(keys.SCOPES), help="what it allows (SCOPES=)")
    parser.add_argument("--days", type=int, help="how long it is good (DAYS=); else for ever")
    tools.take_stack(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
