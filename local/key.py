"""`make key`: makes, lists, rotates and revokes API keys of the local stack or of one on AWS."""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local import account, tools
from local.failure import Failure
from nowlater import instants
from nowlater.access import api_keys
from nowlater.aws.table import Table

_MAX_DAYS = 36500
#: What it does, by the variable of `make`: one of them at a time.
_ACTIONS = ("OWNER=name", "LIST=1", "ROTATE=id", "REVOKE=id")
#: How long a rotated key stays valid, as webhook secrets do: callers need time to change it.
_OVERLAP_S = instants.DAY_S


def main() -> int:
    arguments = _arguments()
    try:
        _check(arguments)
        table = tools.find_table(arguments)
        if arguments.list:
            for key in api_keys.listed(table):
                print(_format(key))
        elif arguments.revoke:
            _revoke(table, arguments.revoke)
        elif arguments.rotate:
            _rotate(table, arguments)
        else:
            _issue(table, arguments)
    except (Failure, ValueError, BotoCoreError, ClientError) as failure:
        print(account.explain(failure), file=sys.stderr)
        return 1
    return 0


def _issue(table: Table, arguments: argparse.Namespace) -> None:
    now = instants.now()
    scopes = api_keys.SCOPES if arguments.scopes is None else tuple(arguments.scopes.split(","))
    expires = _expires(arguments, now)
    _show(*api_keys.issue(table, arguments.owner, now=now, scopes=scopes, expires=expires))


def _rotate(table: Table, arguments: argparse.Namespace) -> None:
    now, old = instants.now(), _find_readable(table, arguments.rotate)
    if arguments.scopes is not None:
        raise Failure(
            "A rotated key keeps its scopes. Make a key with other scopes with OWNER= and SCOPES=."
        )
    if old.expires is not None and old.expires <= now:
        raise Failure(f"The key {old.id} has expired. Make another with OWNER={old.owner}.")
    until = instants.after(now, _OVERLAP_S)
    _show(*api_keys.rotate(table, old, now=now, until=until, expires=_expires(arguments, now)))
    print(
        f"The old key: {_format(_find_readable(table, old.id))}. "
        f"To revoke it now: make key REVOKE={old.id}",
        file=sys.stderr,
    )


def _revoke(table: Table, key_id: str) -> None:
    api_keys.revoke(table, _find(table, key_id).id)
    print(f"{key_id} is revoked. API Gateway may accept it for five more minutes.")


def _check(arguments: argparse.Namespace) -> None:
    """Raise Failure if it is not one action, or DAYS is no number of days."""
    given = [name for name in _ACTIONS if getattr(arguments, name.partition("=")[0].lower())]
    if len(given) != 1:
        raise Failure(
            f"Add one of {', '.join(_ACTIONS)} to make key"
            + (f", not {' and '.join(given)}." if given else ".")
        )
    days = arguments.days
    if days is not None and not (days.isdecimal() and 1 <= int(days) <= _MAX_DAYS):
        raise Failure(
            f"DAYS={days} must be a whole number from 1 to {_MAX_DAYS}. Without DAYS, a key never "
            "expires."
        )


def _expires(arguments: argparse.Namespace, now: instants.Instant) -> instants.Instant | None:
    if arguments.days is None:
        return None
    return instants.after(now, int(arguments.days) * instants.DAY_S)


def _show(key: api_keys.Key, token: str) -> None:
    print(token)
    print(
        f"{_format(key)}\nCopy the key above: it is not shown again, only its digest is stored.",
        file=sys.stderr,
    )


def _find_readable(table: Table, key_id: str) -> api_keys.Key:
    key = _find(table, key_id)
    if isinstance(key, api_keys.Broken):
        raise Failure(
            f"{key.fault}. Revoke this key with REVOKE={key_id}, and make another with OWNER=."
        )
    return key


def _find(table: Table, key_id: str) -> api_keys.Key | api_keys.Broken:
    for key in api_keys.listed(table):
        if key.id == key_id:
            return key
    raise Failure(f"There is no key {key_id}. List all keys with make key LIST=1.")


def _format(key: api_keys.Key | api_keys.Broken) -> str:
    if isinstance(key, api_keys.Broken):
        return f"{key.id}  cannot be read, and gives no access: {key.fault}"
    expiry = "never expires" if key.expires is None else f"until {instants.to_rfc3339(key.expires)}"
    return f"{key.id}  {key.owner}  {','.join(key.scopes)}  {expiry}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make key", description=__doc__)
    parser.add_argument("--owner", help="make a key for this owner (OWNER=)")
    parser.add_argument("--list", action="store_true", help="list all keys (LIST=1)")
    parser.add_argument(
        "--rotate", metavar="ID", help="make a key that replaces this one in a day (ROTATE=)"
    )
    parser.add_argument("--revoke", metavar="ID", help="revoke a key (REVOKE=)")
    parser.add_argument("--scopes", help="what the key allows (SCOPES=); by default everything")
    parser.add_argument(
        "--days", help="days until the key expires (DAYS=); by default it never does"
    )
    tools.add_stack_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
