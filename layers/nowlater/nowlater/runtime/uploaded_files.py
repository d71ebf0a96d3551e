"""Opens an owner's uploads for one run."""

from typing import TYPE_CHECKING

from nowlater.aws import payload_keys
from nowlater.runtime.document import Document
from nowlater.runtime.exceptions import Unavailable
from nowlater.services import Services

if TYPE_CHECKING:
    from nowlater.aws.bucket import ObjectInfo


class UploadedFiles:
    """Opens uploads by their ids; requests the size and type of each upload from S3 once."""

    def __init__(self, services: Services, owner: str) -> None:
        self._services, self._owner = services, owner
        self._objects: dict[str, ObjectInfo] = {}

    def open(self, upload: str) -> Document:
        """Return the upload as a file that is fetched while it is read.

        Raises ValueError where there is no such upload, and Unavailable where S3 does not respond.
        """
        key = payload_keys.upload_key(self._owner, upload)
        if upload not in self._objects:
            self._objects[upload] = self._head(upload, key)
        found = self._objects[upload]
        raw = self._services.bucket.open(key, found.size, _unavailable)
        return Document(raw, found.media_type, found.size)

    def _head(self, upload: str, key: str) -> "ObjectInfo":
        from nowlater.aws.bucket import (  # imports botocore, which only uploads need
            Absent,
            Unreachable,
        )

        try:
            return self._services.bucket.head(key)
        except Absent as fault:
            raise ValueError(
                f"the upload {upload} does not exist: PUT its content first"
            ) from fault
        except Unreachable as fault:
            raise _unavailable() from fault


def _unavailable() -> Unavailable:
    return Unavailable("An upload that the input refers to cannot be read now.")
