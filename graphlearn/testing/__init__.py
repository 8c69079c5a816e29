"""Checks that a user can run on a layer of their own; ours run them too."""

from graphlearn.testing.equivariance import assert_equivariant
from graphlearn.testing.gradients import assert_gradcheck
from graphlearn.testing.graphs import assert_batch_independent, assert_permutation_invariant
from graphlearn.testing.learning import overfits

__all__ = [
    "assert_batch_independent",
    "assert_equivariant",
    "assert_gradcheck",
    "assert_permutation_invariant",
    "overfits",
]
