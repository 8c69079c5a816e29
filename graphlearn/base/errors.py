"""Errors that a user can act on: what was wrong, where, and what to do next."""


class InputError(ValueError):
    """The input cannot be used as it stands; the message says what to change."""


class OpenShellError(InputError):
    """A molecule with unpaired electrons, which is not propagated."""


class ConvergenceError(RuntimeError):
    """The self-consistent field did not converge, so there is no state to propagate."""


class ContractError(ValueError):
    """A file does not follow the trajectory contract (other schema, missing data, damaged)."""


class OutOfSpaceError(RuntimeError):
    """The disk is full; what is finished is kept."""


class StoppedError(RuntimeError):
    """A propagation was asked to stop; its checkpoint is written."""
