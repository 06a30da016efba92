"""Members of zip files, taken out one by one and only where they are what they claim to be."""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from wg_dagster.errors import UnreadableFile

LARGEST = 6 * 2**30  # bytes of one member: the largest published table has one
DENSEST = 150  # times its size in the archive: text tables shrink to a tenth, a bomb to a thousandth
SMALL = 1 << 20  # below this, density says nothing
# The last two are zipfile's own words: a way of packing that it does not know, a password.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def member_names(path: Path) -> list[str]:
    """Names of the files in a zip; UnreadableFile if it is no zip, or one of them would be written outside of a folder."""
    if path.stat().st_size == 0:
        raise UnreadableFile(f"{path.name} is empty (0 bytes); fetch it again")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except _BROKEN as error:
        raise UnreadableFile(f"{path.name} is cut or no zip file ({error}); fetch it again") from error
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in name:
            raise UnreadableFile(f"{path.name} holds a file {name!r} that points outside of it; do not use it, fetch it from the vendor")
    return names


@contextmanager
def taken_out(path: Path, member: str) -> Generator[Path]:
    """One member as a temporary file of its own; UnreadableFile if it is cut, damaged, or swells beyond what such files do."""
    with tempfile.TemporaryDirectory(prefix="wg-") as folder:
        target = Path(folder) / "member"
        try:
            with zipfile.ZipFile(path) as archive:
                _refuse_bomb(archive.getinfo(member), path)
                with archive.open(member) as source, target.open("wb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)
        except KeyError:
            there = ", ".join(member_names(path)) or "nothing"
            raise UnreadableFile(f"{path.name} lacks {member}; it holds {there}; fetch it again") from None
        except _BROKEN as error:
            raise UnreadableFile(f"{path.name}/{member} is cut or damaged ({error}); fetch it again") from error
        yield target


def _refuse_bomb(entry: zipfile.ZipInfo, path: Path) -> None:
    """The reader of the library gives no more bytes than the entry declares, so that its word can be taken."""
    dense = entry.file_size > SMALL and entry.file_size > DENSEST * max(entry.compress_size, 1)
    if entry.file_size > LARGEST or dense:
        raise UnreadableFile(
            f"{path.name}/{entry.filename} would grow from {entry.compress_size:,} to {entry.file_size:,} bytes, which no table of a vendor "
            "does; do not use it, fetch it from the vendor"
        )
