"""Errors that a user can act on: what was wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """The input cannot be used as it stands; the message says what to change."""


class OpenShellError(InputError):
    """Unpaired electrons that are not stated, or that what is asked for does not take."""


class ConvergenceError(RuntimeError):
    """The self-consistent field did not converge, so there is no state to propagate."""


class ContractError(ValueError):
    """A file does not follow the trajectory contract (other schema, missing data, damaged)."""


class OutOfSpaceError(RuntimeError):
    """The disk is full; what is finished is kept."""


class StoppedError(RuntimeError):
    """A propagation was asked to stop; its checkpoint is written."""


def printable(message: str) -> str:
    """A message on one line: names from outside may hold line ends, escape sequences, or bytes that are no text."""
    text = message.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def first_line(error: BaseException, longest: int = 200) -> str:
    """What an error says, as one printable line.

    Args:
        error: Any error, also of a library.
        longest: Characters of the line at most.

    Returns:
        The first line of its message, or the name of its class where it has none.
    """
    return printable((str(error).strip() or type(error).__name__).splitlines()[0])[:longest]


@contextmanager
def damage_named(what: str, *kinds: type[Exception], advice: str = "") -> Iterator[None]:
    """Within, what a library raises in a damaged file becomes an :class:`InputError`; one of ours stays as it is.

    Args:
        what: The file, and what it is not readable as.
        *kinds: What the library raises.
        advice: What to do next.

    Yields:
        Nothing.

    Raises:
        InputError: with the reason in brackets.
    """
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        missing = " is missing" if isinstance(error, KeyError) else ""
        raise InputError(f"{what} ({first_line(error)}{missing}){advice}") from None
