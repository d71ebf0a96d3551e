"""`make key`: makes, lists, rotates and revokes API keys, of the local stack or of one on AWS."""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local import account, tools
from local.failure import Failure
from nowlater import instants
from nowlater.access import api_keys
from nowlater.aws.table import Table

_MAX_DAYS = 36500
#: A key that is rotated stays good for so long, as webhook secrets do: callers need time to change.
_OVERLAP_S = instants.DAY_S


def main() -> int:
    arguments = _arguments()
    try:
        table = tools.table(arguments)
        if arguments.list:
            for key in api_keys.listed(table):
                print(_line(key))
        elif arguments.revoke:
            _revoke(table, arguments.revoke)
        elif arguments.rotate:
            _rotate(table, arguments)
        else:
            _issue(table, arguments)
    except (Failure, ValueError, BotoCoreError, ClientError) as failure:
        print(account.sentence(failure), file=sys.stderr)
        return 1
    return 0


def _issue(table: Table, asked: argparse.Namespace) -> None:
    now = instants.now()
    scopes = api_keys.SCOPES if asked.scopes is None else tuple(asked.scopes.split(","))
    _show(*api_keys.issue(table, asked.owner, now=now, scopes=scopes, expires=_expires(asked, now)))


def _rotate(table: Table, asked: argparse.Namespace) -> None:
    now, old = instants.now(), _found(table, asked.rotate)
    if asked.scopes is not None:
        raise Failure("a rotated key keeps its scopes; OWNER= and SCOPES= make one with others")
    if old.expires is not None and old.expires <= now:
        raise Failure(f"{old.id} has expired; OWNER={old.owner} makes another")
    until = instants.after(now, _OVERLAP_S)
    _show(*api_keys.rotate(table, old, now=now, until=until, expires=_expires(asked, now)))
    print(
        f"The old one: {_line(_found(table, old.id))}. REVOKE={old.id} takes it away at once.",
        file=sys.stderr,
    )


def _revoke(table: Table, key_id: str) -> None:
    api_keys.revoke(table, _in_list(table, key_id).id)
    print(f"{key_id} is revoked; API Gateway may remember it for five minutes more.")


def _expires(asked: argparse.Namespace, now: instants.Instant) -> instants.Instant | None:
    if asked.days is None:
        return None
    if not 1 <= asked.days <= _MAX_DAYS:
        raise Failure(f"DAYS is a number from 1 to {_MAX_DAYS}; without it, a key is good for ever")
    return instants.after(now, asked.days * instants.DAY_S)


def _show(key: api_keys.Key, token: str) -> None:
    print(token)
    print(
        f"{_line(key)}\nThe key above is not shown again: only a digest is kept.", file=sys.stderr
    )


def _found(table: Table, key_id: str) -> api_keys.Key:
    key = _in_list(table, key_id)
    if isinstance(key, api_keys.Broken):
        raise Failure(
            f"{key.fault}; REVOKE={key_id} takes it away, and OWNER= makes another in its place"
        )
    return key


def _in_list(table: Table, key_id: str) -> api_keys.Key | api_keys.Broken:
    for key in api_keys.listed(table):
        if key.id == key_id:
            return key
    raise Failure(f"there is no key {key_id}; make key LIST=1 shows those that there are")


def _line(key: api_keys.Key | api_keys.Broken) -> str:
    if isinstance(key, api_keys.Broken):
        return f"{key.id}  cannot be read, and gives no access: {key.fault}"
    end = "for ever" if key.expires is None else f"until {instants.to_rfc3339(key.expires)}"
    return f"{key.id}  {key.owner}  {','.join(key.scopes)}  {end}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make key", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--owner", help="makes a key for this owner (OWNER=)")
    what.add_argument("--list", action="store_true", help="lists all keys (LIST=1)")
    what.add_argument(
        "--rotate", metavar="ID", help="makes another in its place, which ends in a day (ROTATE=)"
    )
    what.add_argument("--revoke", metavar="ID", help="takes a key away (REVOKE=)")
    parser.add_argument("--scopes", help="what it allows (SCOPES=); else everything")
    parser.add_argument("--days", type=int, help="how long it is good (DAYS=); else for ever")
    tools.take_stack(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
