"""What wabench raises on purpose; the command line turns each into one line and an exit code.

WabenchError            1  it could not be done; the line says what to do
├── UsageError          2  the request itself is wrong
├── Refused             3  a rule forbids it
└── Busy                1  another process holds the store
"""


class WabenchError(Exception):
    """Say in one line what went wrong and what to do about it."""

    exit_code = 1


class UsageError(WabenchError):
    """The request is wrong as written: an unknown name, a missing option, a bad file."""

    exit_code = 2


class Refused(WabenchError):
    """A rule forbids it: no approval, no consent, not a rehearsal."""

    exit_code = 3


class Busy(WabenchError):
    """Another process holds the store; the message names it."""
