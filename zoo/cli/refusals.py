"""Errors of the system as one line with a next step, and streams that take what is printed."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys

_ROOM = "make room, or choose another folder"
_OTHER_PLACE = "choose another place, or change its permissions"
_IN_THE_WAY = "something else is in the way: choose another name"
# What was tried, as far as the error says it, and what to do.
_STEPS = {
    errno.ENOENT: ("read", "check the path"),
    errno.EISDIR: ("read or write", "it is a folder: name a file"),
    errno.ENOTDIR: ("read or write", "a file is where a folder should be: choose another path"),
    errno.EACCES: ("read or write", _OTHER_PLACE),
    errno.EPERM: ("read or write", _OTHER_PLACE),
    errno.EROFS: ("write", _OTHER_PLACE),
    errno.ENOSPC: ("write", _ROOM),
    errno.EDQUOT: ("write", _ROOM),
    errno.EFBIG: ("write", _ROOM),
    errno.EEXIST: ("write", _IN_THE_WAY),
    errno.ENOTEMPTY: ("write", _IN_THE_WAY),
    errno.ENAMETOOLONG: ("read or write", "choose a shorter name"),
    errno.ELOOP: ("read or write", "its links lead to each other: choose another path"),
    errno.EMFILE: ("read or write", "too many files are open: raise the limit with `ulimit -n`"),
    errno.EINVAL: ("read or write", "name a regular file, or a folder where one belongs"),
    errno.EIO: ("read or write", "check the disk, and try again"),
}


def system_error_text(error: OSError) -> str:
    """An error of the system as a line: what could not be done, why, and the next step.

    >>> system_error_text(FileNotFoundError(2, "No such file or directory", "runs/best.json"))
    'cannot read runs/best.json: No such file or directory; check the path'
    >>> system_error_text(OSError(28, "No space left on device"))
    'cannot write: No space left on device; make room, or choose another folder'
    """
    if error.errno is None:
        return str(error)
    tried, step = _STEPS.get(error.errno, ("read or write", "see --debug for where it happened"))
    # A rename has two: the second is the one that the reader has named.
    path = error.filename2 or error.filename
    place = "" if path is None else f" {os.fsdecode(path) if isinstance(path, bytes) else path}"
    return f"cannot {tried}{place}: {error.strerror or os.strerror(error.errno)}; {step}"


def open_closed_streams() -> None:
    """Open what is closed of the standard streams on the null device, as after `2>&-`.

    Else the next file to be opened gets its number, and what is meant for the stream goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def let_any_name_be_printed() -> None:
    """Print what the terminal's encoding lacks as escapes, in place of an error.

    As in `PYTHONIOENCODING=ascii`, and for a file's name that is no UTF-8.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        # In a C locale Python passes the bytes of a file's name through, where it writes UTF-8.
        fails = ("strict",) if _is_utf8(stream) else ("strict", "surrogateescape")
        if stream.errors in fails:
            stream.reconfigure(errors="backslashreplace")


def _is_utf8(stream: io.TextIOWrapper) -> bool:
    return codecs.lookup(stream.encoding).name == "utf-8"
