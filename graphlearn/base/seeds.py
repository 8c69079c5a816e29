"""Random numbers of data sets."""

from __future__ import annotations

import zlib

import numpy as np


def seeded_generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers that depend on the seed and the name alone, not on what else is in the data set.

    Args:
        seed: Of the data set.
        name: Of what is drawn.


    Returns:
        A generator of NumPy.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
