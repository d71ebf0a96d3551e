"""Opens an owner's uploads for one run, whatever number of times its input refers to each."""

from typing import TYPE_CHECKING

from nowlater import object_keys
from nowlater.services import Services

if TYPE_CHECKING:
    from nowlater.blobs import Look
    from nowlater.document import Document


class Opener:
    """What makes a Document of an upload's id; it looks at each upload once."""

    def __init__(self, services: Services, owner: str) -> None:
        self._services, self._owner = services, owner
        self._looks: dict[str, Look] = {}

    def __call__(self, upload: str) -> "Document":
        """Return the upload as a file that is fetched as it is read; raises ValueError if absent."""
        bucket, key = self._services.bucket, object_keys.upload_key(self._owner, upload)
        if upload not in self._looks:
            self._looks[upload] = bucket.look(key)
        return bucket.open(key, self._looks[upload])
