"""A form with one file, taken in as it comes: the fields first, then the file, onto the disk, as far as is allowed.

Nothing of the file is read before the form's key has been found right, and nothing at all before the session is.
"""

import tempfile
from collections.abc import Callable
from http import HTTPStatus
from typing import BinaryIO, Final, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from admin.guard import BadForm, Form

UPLOAD_TYPE: Final = b"multipart/form-data"
FILE_FIELD: Final = "file"
MOST_FIELDS: Final = 20
FIELD_BYTES: Final = 4_096
HEAD_BYTES: Final = 4_096
IN_MEMORY_BYTES: Final = 256 * 1024

Check = Callable[[Form], None]


class Upload:
    """What was sent: the fields' texts, and the file with the name that it has there. The file is to be closed."""

    def __init__(self) -> None:
        self.form = Form()
        self.file_name = ""
        self.size_bytes = 0
        self.file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))  # noqa: SIM115


async def read_upload(request: Request, *, most_bytes: int, check: Check) -> Upload:
    """The whole form; `check` is asked when its fields are known, before the file. Raises BadForm."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != UPLOAD_TYPE or not boundary or len(boundary) > 200:
        raise BadForm(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    upload = Upload()
    parts = _Parts(upload, most_bytes, check)
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
        parts.require_whole()
    except (FormParserError, ClientDisconnect, UnicodeDecodeError) as error:
        upload.file.close()
        raise BadForm(HTTPStatus.BAD_REQUEST) from error
    except BaseException:
        upload.file.close()
        raise
    upload.file.seek(0)
    return upload


class _Parts:
    """Follows the parser from part to part, and stops it where a bound is passed."""

    def __init__(self, upload: Upload, most_bytes: int, check: Check) -> None:
        self._upload, self._most_bytes, self._check = upload, most_bytes, check
        self._head, self._field, self._name = bytearray(), bytearray(), ""
        self._head_bytes, self._is_file, self._has_file, self._ended = 0, False, False, False
        self._disposition = b""

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def require_whole(self) -> None:
        if not self._ended or not self._has_file:
            raise BadForm(HTTPStatus.BAD_REQUEST)

    def _begin(self) -> None:
        if self._has_file or len(self._upload.form.values) >= MOST_FIELDS:
            raise BadForm(HTTPStatus.BAD_REQUEST)
        self._head_bytes, self._disposition = 0, b""
        self._head.clear()
        self._field.clear()

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES:
            raise BadForm(HTTPStatus.BAD_REQUEST)

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._head += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        if self._head.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _header_end(self) -> None:
        self._head.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode()
        self._is_file = b"filename" in options
        if self._is_file != (self._name == FILE_FIELD):
            raise BadForm(HTTPStatus.BAD_REQUEST)
        if self._is_file:
            self._check(self._upload.form)
            self._has_file = True
            self._upload.file_name = options[b"filename"].decode(errors="replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._field += data[start:end]
            if len(self._field) > FIELD_BYTES:
                raise BadForm(HTTPStatus.BAD_REQUEST)
            return
        self._upload.size_bytes += end - start
        if self._upload.size_bytes > self._most_bytes:
            raise BadForm(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._upload.file.write(data[start:end])

    def _part_end(self) -> None:
        if not self._is_file:
            text = self._field.decode()
            if "\0" in text:
                raise BadForm(HTTPStatus.BAD_REQUEST)
            self._upload.form.values[self._name] = text

    def _end(self) -> None:
        self._ended = True
