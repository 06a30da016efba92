"""What can go wrong, named by what happened.

    WgError
    ├── BadInput              a vendor file, map or row cannot be used as it is
    │   ├── MissingColumn     a declared column is not in the file
    │   ├── UnreadableFile    empty, cut, or not of the declared format
    │   └── UnknownValue      a currency, exchange, unit or rule that we do not know
    ├── BadHome               the home folder cannot be written or belongs to another market
    ├── OutsideData           a month, strategy or table outside of what the home holds
    ├── WriteConflict         another run kept writing the same months
    ├── StationFailed         a station's rows failed an ERROR check
    ├── FetchFailed           a vendor did not give what was asked for, after all tries
    │   └── KeyRefused        a key is not set in the environment, or the vendor refuses it
    ├── SinkFailed            an alert could not be delivered; it waits in the outbox
    └── LetterRefused         a letter would print what its facts do not say, or words it must not use

Every message says what was needed, what came, where (file, row, security, date), and what to do next.
"""


class WgError(Exception):
    """Root of our errors; the command line prints its message and exits with 1."""


class BadInput(WgError):
    """A vendor file, map or row cannot be used as it is."""


class MissingColumn(BadInput):
    """A declared column is not in the file."""


class UnreadableFile(BadInput):
    """A file is empty, cut, or not of the declared format."""


class UnknownValue(BadInput):
    """A currency, exchange, unit or rule that we do not know."""


class BadHome(WgError):
    """The home folder cannot be written, or holds another market."""


class OutsideData(WgError):
    """A month, strategy or table outside of what the home holds."""


class WriteConflict(WgError):
    """Another run kept writing the same months."""


class StationFailed(WgError):
    """A station's rows failed an ERROR check."""


class FetchFailed(WgError):
    """A vendor did not give what was asked for, after all tries; what was fetched so far is kept."""


class KeyRefused(FetchFailed):
    """A key is not set in the environment, or the vendor refuses it."""


class SinkFailed(WgError):
    """An alert could not be delivered; it waits in the outbox."""


class LetterRefused(WgError):
    """A letter would print what its facts do not say, or words it must not use."""
