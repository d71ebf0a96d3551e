"""Files as inputs and results: text, bytes in base64, or an upload, all read the same way."""

import base64
import binascii
import io
import re
from collections.abc import Callable
from typing import Any, TypeIs

type OpenUpload = Callable[[str], "Document"]

UPLOAD_ID = "^[0-9a-f]{32}$"
MEDIA_TYPE = (
    '^[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+(?:; *[A-Za-z0-9_-]+=(?:[A-Za-z0-9_.+-]+|"[ !#-~]*"))*$'
)
LONGEST_MEDIA_TYPE = 255
BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

#: The JSON Schema of a Document as an input.
INPUT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "description": "the text itself"},
        {
            "type": "object",
            "properties": {
                "base64": {
                    "type": "string",
                    "description": "the file's bytes",
                    "pattern": BASE64,
                    "contentEncoding": "base64",
                },
                "media_type": {
                    "type": "string",
                    "description": "what they are, such as text/csv",
                    "pattern": MEDIA_TYPE,
                    "maxLength": LONGEST_MEDIA_TYPE,
                },
            },
            "required": ["base64"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "upload": {
                    "type": "string",
                    "description": "the id of an upload: POST /uploads makes one",
                    "pattern": UPLOAD_ID,
                }
            },
            "required": ["upload"],
            "additionalProperties": False,
        },
    ]
}

#: The JSON Schema of a Document as a result: its bytes are sent unchanged, not as JSON.
RESULT_SCHEMA: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}


class Document(io.BufferedReader):
    """A file: as an input a binary stream, as a result bytes and their media type.

    An upload is fetched from S3 while the operation reads it; it can seek.
    """

    def __init__(
        self,
        data: bytes | io.RawIOBase,
        media_type: str = "application/octet-stream",
        size: int | None = None,
    ) -> None:
        #: The size in bytes, where it is known.
        self.size = len(data) if isinstance(data, bytes) else size
        self.media_type = media_type
        raw: Any = io.BytesIO(data) if isinstance(data, bytes) else data
        # An input can contain thousands of small documents, each with its own buffer.
        super().__init__(raw, min(256 * 1024, max(self.size or 256 * 1024, 1)))


def from_json(value: Any, open_upload: OpenUpload) -> Document:
    """Return the document that one of the three forms of an input describes.

    Raises ValueError where the value has none of the forms, the base64 is invalid or there is no
    such upload.
    """
    match value:
        case str():
            return Document(value.encode(), "text/plain; charset=utf-8")
        case {"upload": str(upload), **rest} if not rest and is_upload_id(upload):
            return open_upload(upload)
        case {"base64": str(text), **rest} if not rest.keys() - {"media_type"}:
            media_type = rest.get("media_type", "application/octet-stream")
            if is_media_type(media_type):
                return Document(_decoded(text), media_type)
    raise ValueError('this is neither text, {"base64": …} nor {"upload": …}')


def is_upload_id(text: str) -> bool:
    """Tell whether the text has the form of an upload's id."""
    # Without ^ and $, as Python's $ accepts a line break after it.
    return re.fullmatch(UPLOAD_ID[1:-1], text) is not None


def is_media_type(value: Any) -> TypeIs[str]:
    """Tell whether the value is valid in a Content-Type header."""
    is_short = isinstance(value, str) and len(value) <= LONGEST_MEDIA_TYPE
    return is_short and re.fullmatch(MEDIA_TYPE[1:-1], value) is not None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"this is not base64: {error}") from error


def uploads_in(value: Any) -> list[str]:
    """Return the ids of all uploads that an input refers to at any depth, each once."""
    ids: dict[str, None] = {}
    parts = [value]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            upload = part.get("upload")
            if len(part) == 1 and isinstance(upload, str) and is_upload_id(upload):
                ids[upload] = None
            parts += reversed(part.values())
        elif isinstance(part, list):
            parts += reversed(part)
    return list(ids)
