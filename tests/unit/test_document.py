"""Files, in and out of an operation."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater import Document
from nowlater.runtime.document import from_json, uploads_in

UPLOAD = "0123456789abcdef" * 2


def no_uploads(upload: str) -> Document:
    raise ValueError(f"there is no {upload}")


@given(st.text())
def test_a_text_is_read_as_utf_8(text: str) -> None:
    read = from_json(text, no_uploads)

    assert read.size == len(text.encode())
    assert read.media_type == "text/plain; charset=utf-8"
    assert read.read().decode() == text


@given(st.binary())
def test_bytes_come_in_base64(data: bytes) -> None:
    read = from_json({"base64": base64.b64encode(data).decode()}, no_uploads)

    assert (read.read(), read.size) == (data, len(data))
    assert read.media_type == "application/octet-stream"


def test_bytes_may_name_their_media_type() -> None:
    assert from_json({"base64": "AA==", "media_type": "image/png"}, no_uploads).media_type == "image/png"  # fmt: skip


@pytest.mark.parametrize("text", ["A", "AA=A", "é", "AA==\n", "A A="])
def test_broken_base64_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json({"base64": text}, no_uploads)


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        [],
        {},
        {"base64": 1},
        {"upload": 1},
        {"upload": "../other/" + UPLOAD},
        {"base64": "AA==", "media_type": None},
        {"base64": "AA==", "media_type": "text"},
        {"base64": "AA==", "media_type": "text/html\r\nX-Evil: 1"},
        {"base64": "AA==", "media_type": "text/html\n"},
        {"base64": "AA==", "upload": UPLOAD},
        {"upload": UPLOAD, "media_type": "image/png"},
    ],
)
def test_another_form_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match="this is neither"):
        from_json(value, no_uploads)


def test_an_upload_is_opened_by_its_id() -> None:
    read = from_json({"upload": UPLOAD}, lambda upload: Document(upload.encode()))

    assert read.read() == UPLOAD.encode()


def test_a_missing_upload_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="there is no"):
        from_json({"upload": UPLOAD}, no_uploads)


def test_a_document_is_read_like_a_file() -> None:
    file = Document(b"one\ntwo\n")

    assert file.readline() == b"one\n"
    assert file.seek(0) == 0
    assert list(file) == [b"one\n", b"two\n"]


def test_uploads_are_found_wherever_they_are() -> None:
    other = "f" * 32
    value = {"a": [{"upload": UPLOAD}, 1, None], "b": {"c": {"upload": other}}}

    assert uploads_in(value) == [UPLOAD, other]


@pytest.mark.parametrize(
    "value",
    [
        {"upload": "short"},
        {"upload": UPLOAD.upper()},
        {"upload": UPLOAD + "\n"},
        {"upload": 1},
        {"upload": UPLOAD, "media_type": "x"},
        UPLOAD,
        [UPLOAD],
    ],
)
def test_a_value_that_is_no_reference_to_an_upload_gives_none(value: object) -> None:
    assert uploads_in(value) == []


def test_uploads_are_found_however_deep_they_are() -> None:
    value: Any = {"upload": UPLOAD}
    for _ in range(5000):
        value = [value]

    assert uploads_in(value) == [UPLOAD]
