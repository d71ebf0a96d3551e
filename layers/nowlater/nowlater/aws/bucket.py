"""The bucket: payloads too large for the table, uploads, and presigned URLs for both."""

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from nowlater.aws import session

#: How long a presigned URL is valid.
URL_LIFE_S = 300
_ABSENT = ("404", "NoSuchKey", "NotFound")
#: S3's error codes for an absent object where the caller has no permission to list it. Operations may
#: list uploads only, by their prefix, and a HEAD does not count as that.
_HIDDEN = ("403", "AccessDenied")


class Absent(Exception):
    """There is no object with this key."""


class Unreachable(Exception):
    """The bucket does not respond."""


class ObjectInfo(NamedTuple):
    """An object's media type, and its size in bytes."""

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
        """Put an object unless the key exists; an existing object keeps its age and so its expiry."""
        content = {"Body": data, "ContentType": media_type, "IfNoneMatch": "*"}
        try:
            self._client.put_object(Bucket=self._name, Key=key, **content)
        except ClientError as error:
            if session.error_code(error) != "PreconditionFailed":
                raise

    def find(self, key: str) -> bytes | None:
        """Return an object's bytes, None if there is no object with this key."""
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
        """Tell whether there is an object with this key."""
        try:
            self._client.head_object(Bucket=self._name, Key=key)
        except ClientError as error:
            if session.error_code(error) in _ABSENT:
                return False
            raise
        return True

    def head(self, key: str) -> ObjectInfo:
        """Return an object's media type and size; raises Absent and Unreachable."""
        try:
            head = self._client.head_object(Bucket=self._name, Key=key)
        except session.FAILURES as fault:
            if self._is_absent(key, fault):
                raise Absent(key) from fault
            raise Unreachable from fault
        return ObjectInfo(head["ContentType"], int(head["ContentLength"]))

    def open(self, key: str, size: int, unreachable: Callable[[], Exception]) -> io.RawIOBase:
        """Return an object as a stream that is fetched as it is read.

        If the bucket does not respond, reading raises the exception that `unreachable` returns.
        """
        return _Reader(self._client, self._name, key, size, unreachable)

    def _is_absent(self, key: str, fault: Exception) -> bool:
        """Tell whether a HEAD failed because the object is absent; for a 403, a list tells."""
        code = session.error_code(fault) if isinstance(fault, ClientError) else None
        if code not in _HIDDEN:
            return code in _ABSENT
        try:
            listing = self._client.list_objects_v2(Bucket=self._name, Prefix=key, MaxKeys=1)
        except session.FAILURES:
            return False
        return "Contents" not in listing

    def url_to_get(self, key: str, file_name: str) -> str:
        """Return a URL that downloads an object without credentials, for five minutes.

        A browser, and `curl -OJ`, saves it under this name of letters, digits, hyphens and dots.
        """
        # As an attachment (RFC 6266): a browser must not run what an operation returned.
        disposition = f'attachment; filename="{file_name}"'
        return self._url("get_object", {"Key": key, "ResponseContentDisposition": disposition})

    def url_to_put(self, key: str, size: int, media_type: str) -> str:
        """Return a URL that uploads an object once, of exactly this size and media type."""
        conditions = {"ContentLength": size, "ContentType": media_type, "IfNoneMatch": "*"}
        return self._url("put_object", {"Key": key} | conditions)

    def _url(self, call: str, parameters: dict[str, Any]) -> str:
        url: str = self._client.generate_presigned_url(
            call, Params={"Bucket": self._name} | parameters, ExpiresIn=URL_LIFE_S
        )
        return url


class _Reader(io.RawIOBase):
    """A stream over an object; one request reads from the current position on, until a seek."""

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
        self._position = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset != self._position:
            self._position, self._body = max(0, base + offset), None
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        try:
            data = self._read(len(buffer))
        except session.FAILURES as fault:
            raise self._unreachable() from fault
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read(self, max_bytes: int) -> bytes:
        if self._body is None:
            self._body = self._client.get_object(
                Bucket=self._bucket, Key=self._key, Range=f"bytes={self._position}-"
            )["Body"]
        data: bytes = self._body.read(max_bytes)
        return data
