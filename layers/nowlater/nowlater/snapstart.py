"""What a Lambda that starts from a snapshot (SnapStart) must do anew in each process."""

import random


def prepare() -> None:
    """Seed `random` after each restore: otherwise all processes would draw the same numbers.

    `secrets`, `uuid` and `os.urandom` need nothing, connections and credentials renew themselves, and
    operations are imported after the restore.
    """
    try:
        from snapshot_restore_py import register_after_restore
    except ImportError:  # only Lambda's runtime has it
        return
    register_after_restore(random.seed)
