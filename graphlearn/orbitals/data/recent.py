"""Values that are costly to make, kept while they are among the last ones used."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The values that were used last.

    Args:
        limit: How many are kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key.

        Args:
            key: Its name.
            make: Makes it where it is not kept.

        Returns:
            The value.
        """
        if key not in self._kept:
            self._kept[key] = make()
        value = self._kept[key]
        self._kept.move_to_end(key)
        if len(self._kept) > self.limit:
            self._kept.popitem(last=False)
        return value
