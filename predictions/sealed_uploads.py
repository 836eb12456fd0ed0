"""Files that browsers and systems send, sealed as they arrive: none ever lies in the clear on a disk."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from predictions.cohort_inputs import LARGEST_FILE, PART, Sealing, Stored, discard

# Nobody fills the database by sending files to a page that takes none.
TAKEN_BY = {"new_prediction", "cohorts", "api_cohorts"}


class SealedUpload(UploadedFile):  # type: ignore[type-arg]
    """A file that is stored already."""

    def __init__(self, stored: Stored, name: str, content_type: str) -> None:
        super().__init__(stored.open(), name, content_type, stored.size)
        self.stored = stored


class SealingUploadHandler(FileUploadHandler):
    """Takes what is too large for memory, from people who are signed in and systems with a key."""

    chunk_size = PART

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._sealing: Sealing | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; one that nobody asked for is not kept."""
        super().new_file(*args, **kwargs)
        self._sealing = Sealing() if _is_wanted(self.request) else None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Seal what has come."""
        if self._sealing is None:
            return
        if start + len(raw_data) > LARGEST_FILE:
            self.upload_interrupted()
            raise StopUpload(connection_reset=True)
        self._sealing.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:  # type: ignore[type-arg]
        """The file, to be read from the sealed parts; of one that was not kept the size alone."""
        if self._sealing is None:
            return UploadedFile(BytesIO(), self.file_name, self.content_type, file_size)
        stored, self._sealing = self._sealing.finish(self.file_name or ""), None
        return SealedUpload(stored, self.file_name or "", self.content_type or "")

    def upload_interrupted(self) -> None:
        """Forget half of a file."""
        if self._sealing:
            discard(self._sealing.upload)


def _is_wanted(request: HttpRequest | None) -> bool:
    if request is None or request.resolver_match is None:
        return False
    # The API asked for the key before it read anything.
    is_known = request.resolver_match.url_name == "api_cohorts" or request.user.is_authenticated
    return is_known and request.resolver_match.url_name in TAKEN_BY
