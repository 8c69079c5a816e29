"""Arguments of models that have no effect beside their other arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol


class HasIdleArguments(Protocol):
    """A class of models that says which of its arguments have no effect."""

    def idle_arguments(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Why, by name.

        Args:
            arguments: All of the constructor by name.

        Returns:
            Reasons by name.
        """
        ...


def idle_arguments(model: HasIdleArguments, given: Mapping[str, Any]) -> dict[str, str]:
    """Names of arguments that have no effect, and why.

    Args:
        model: Class of models.
        given: Arguments; the others have their defaults.

    Returns:
        Reasons by name.
    """
    signature = inspect.signature(model)  # type: ignore[arg-type]
    defaults = {name: parameter.default for name, parameter in signature.parameters.items()}
    return model.idle_arguments({**defaults, **given})
