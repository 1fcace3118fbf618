"""Write files so that a crash or a full disk leaves the old file or the new one, never half of one.

A file is written beside its place, flushed to the device, and renamed; then the folder is flushed too.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from types import TracebackType

from trabsim.errors import RunError

#: Ending of a file that is being written; what carries it after a crash is rubbish.
PARTIAL = ".partial"

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def cannot_write(path: Path, error: OSError) -> RunError:
    """The error, in one line, for a file that could not be written."""
    if error.errno in _NO_SPACE:
        return RunError(
            f"cannot write {path}: no space left ({os.strerror(error.errno or 0)}); what was there before is "
            "intact; free some space, then go on with 'trabsim resume'"
        )
    why = error.strerror or str(error) or type(error).__name__
    return RunError(f"cannot write {path}: {why}; check the folder and its rights")


class FileAside:
    """A file that comes into its place only when the block ends well.

    Failures to write are kept until the end instead of being raised: a library that writes in several steps
    (HDF5) can then close in good order, as it could not after an error in its midst.

    Parameters
    ----------
    path : Path
        Where the file shall be.

    Raises
    ------
    RunError
        At the end of the block, or at once where the file cannot be opened: full disk, no rights, no folder.
    """

    def __init__(self, path: Path):
        self.path = path
        self.partial = path.with_name(path.name + PARTIAL)
        self.failure: OSError | None = None

    def __enter__(self) -> FileAside:
        try:
            self._file = open(self.partial, "w+b", buffering=0)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        failure, in_place = self.failure, False
        try:
            try:
                if failure is None and kind is None:
                    os.fsync(self._file.fileno())
            finally:
                self._file.close()
            if failure is None and kind is None:
                os.replace(self.partial, self.path)
                in_place = True
                flush_folder(self.path.parent)
        except OSError as error:
            failure = failure or error
        finally:
            if not in_place:
                with contextlib.suppress(OSError):
                    self.partial.unlink()
        # a full disk is the cause of whatever the block then ran into
        if failure is not None and (kind is None or issubclass(kind, Exception)):
            raise cannot_write(self.path, failure) from None

    def write(self, data: bytes | memoryview) -> int:
        """Write, or after a failure only pretend to."""
        view = memoryview(data).cast("B")
        done = 0
        while self.failure is None and done < len(view):
            try:
                done += self._file.write(view[done:]) or 0
            except OSError as error:
                self.failure = error
        return len(view)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read back what was written; what a failure kept out reads as zeros."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view):
            got = self._file.readinto(view[done:]) or 0
            if got == 0:
                view[done:] = bytes(len(view) - done)
                break
            done += got
        return len(view)

    def read(self, size: int) -> bytes:
        """Read back as `readinto` does."""
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Tell the position."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut or lengthen the file, or after a failure only pretend to."""
        wanted = self.tell() if size is None else size
        if self.failure is None:
            try:
                self._file.truncate(wanted)
            except OSError as error:
                self.failure = error
        return wanted

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def replace_file(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises
    ------
    RunError
        If it cannot be written; the file that was there before is untouched.
    """
    with FileAside(path) as file:
        file.write(text.encode("utf-8"))


def append_line(path: Path, line: str) -> None:
    """Append a line to a text file and flush it to the device; a failure takes back what was written of it.

    Raises
    ------
    RunError
        If it cannot be written.
    """
    data = memoryview(f"{line}\n".encode())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from None
    try:
        before = os.fstat(descriptor).st_size
        try:
            done = 0
            while done < len(data):
                done += os.write(descriptor, data[done:])
            os.fsync(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
            raise cannot_write(path, error) from None
    finally:
        os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Flush the entries of a folder, so that a rename in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # some network file systems refuse to flush a folder; the rename itself has been done
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
