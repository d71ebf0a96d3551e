"""The bucket: payloads too large for the table, uploads, and URLs that lend them out."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from nowlater.aws import session

#: A presigned URL is good for this long.
URL_LIFE_S = 300
_ABSENT = ("404", "NoSuchKey", "NotFound")
#: So S3 answers whoever may not list what is not there. Operations may list uploads alone, by their
#: prefix, which a HEAD does not say.
_HIDDEN = ("403", "AccessDenied")


class Absent(Exception):
    """There is no object of this key."""


class Unreachable(Exception):
    """The bucket does not answer."""


class Look(NamedTuple):
    """What S3 says of an object: its media type, and its size in bytes."""

    media_type: str
    size: int


class Bucket:
    """The bucket of this deployment."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client = session.client("s3", signature_version="s3v4")

    def put(self, key: str, data: bytes, media_type: str) -> None:
        self._client.put_object(Bucket=self._name, Key=key, Body=data, ContentType=media_type)

    def put_new(self, key: str, data: bytes, media_type: str) -> None:
        """Put an object unless there is one of this key, whose age then goes on."""
        given = {"Body": data, "ContentType": media_type, "IfNoneMatch": "*"}
        try:
            self._client.put_object(Bucket=self._name, Key=key, **given)
        except ClientError as error:
            if session.error_code(error) != "PreconditionFailed":
                raise

    def find(self, key: str) -> bytes | None:
        """Return an object's bytes, or None where there is none of this key."""
        try:
            return self.get(key)
        except ClientError as error:
            if session.error_code(error) in _ABSENT:
                return None
            raise

    def get(self, key: str) -> bytes:
        data: bytes = self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
        return data

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self._name, Key=key)

    def exists(self, key: str) -> bool:
        """Tell whether there is an object of this key."""
        try:
            self._client.head_object(Bucket=self._name, Key=key)
        except ClientError as error:
            if session.error_code(error) in _ABSENT:
                return False
            raise
        return True

    def look(self, key: str) -> Look:
        """Return what an object is.

        Raises Absent where there is none, and Unreachable where the bucket does not answer.
        """
        try:
            head = self._client.head_object(Bucket=self._name, Key=key)
        except session.FAILURES as fault:
            if self._is_absent(key, fault):
                raise Absent(key) from fault
            raise Unreachable from fault
        return Look(head["ContentType"], int(head["ContentLength"]))

    def open(self, key: str, size: int, unreachable: Callable[[], Exception]) -> io.RawIOBase:
        """Return an object as a stream that is fetched as it is read.

        Where the bucket does not answer, reading raises what `unreachable` returns.
        """
        return _Reader(self._client, self._name, key, size, unreachable)

    def _is_absent(self, key: str, fault: Exception) -> bool:
        """Tell whether a HEAD failed because there is no such object; a 403 leaves that open."""
        code = session.error_code(fault) if isinstance(fault, ClientError) else None
        if code not in _HIDDEN:
            return code in _ABSENT
        try:
            found = self._client.list_objects_v2(Bucket=self._name, Prefix=key, MaxKeys=1)
        except session.FAILURES:
            return False
        return "Contents" not in found

    def url_to_get(self, key: str) -> str:
        """Return a URL that anybody can download the object at, for five minutes."""
        # As an attachment: what an operation made must not be run by a browser.
        return self._url("get_object", {"Key": key, "ResponseContentDisposition": "attachment"})

    def url_to_put(self, key: str, size: int, media_type: str) -> str:
        """Return a URL to put this object at, once, of just this size and type."""
        bound = {"ContentLength": size, "ContentType": media_type, "IfNoneMatch": "*"}
        return self._url("put_object", {"Key": key} | bound)

    def _url(self, call: str, parameters: dict[str, Any]) -> str:
        url: str = self._client.generate_presigned_url(
            call, Params={"Bucket": self._name} | parameters, ExpiresIn=URL_LIFE_S
        )
        return url


class _Reader(io.RawIOBase):
    """An object read in one request from wherever it was sought to."""

    def __init__(
        self,
        client: Any,
        bucket: str,
        key: str,
        size: int,
        unreachable: Callable[[], Exception],
    ) -> None:
        self._client, self._bucket, self._key, self._size = client, bucket, key, size
        self._unreachable = unreachable
        self._at = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset != self._at:
            self._at, self._body = max(0, base + offset), None
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at >= self._size:
            return 0
        try:
            data = self._read(len(buffer))
        except session.FAILURES as fault:
            raise self._unreachable() from fault
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _read(self, most: int) -> bytes:
        if self._body is None:
            self._body = self._client.get_object(
                Bucket=self._bucket, Key=self._key, Range=f"bytes={self._at}-"
            )["Body"]
        data: bytes = self._body.read(most)
        return data
