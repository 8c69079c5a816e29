"""Information of a term in bits, from the frequency with which chains have it."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from graphlearn.base.errors import InputError


def conditional_information(labels: np.ndarray, ancestors: csr_array) -> np.ndarray:
    r"""Information accretion, :math:`\mathrm{ia}(t) = -\log_2 \frac{n_t + 1}{n_{\mathrm{pa}(t)} + 1}`, as CAFA uses it.

    :math:`n_t` counts the chains with the term and :math:`n_{\mathrm{pa}(t)}` those with all terms above it, which are
    those with all of its parents where labels are closed. A term that has none above it in the list stands below the
    root, that is below all chains with any term. The ones are CAFA-evaluator's protein that has every term, so that a
    term which no chain has stays finite. Clark and Radivojac, Bioinformatics 29, i53 (2013).

    Args:
        labels: Of the chains to count, ancestors closed, bool [N, T].
        ancestors: From ``Ontology.matrix``, bool [T, T].

    Returns:
        Bits, float64 [T].

    Raises:
        InputError: if the shapes do not fit, or labels are not closed over the ancestors.
    """
    if labels.ndim != 2 or ancestors.shape != (labels.shape[1],) * 2:
        raise InputError(
            f"labels {labels.shape} and ancestors {ancestors.shape} do not fit; [N, T] and [T, T] are needed"
        )
    sparse = csr_array(labels.astype(np.int64))
    relation = csr_array(ancestors).astype(np.int64)
    relation.setdiag(0)
    relation.eliminate_zeros()
    needed = np.diff(relation.indptr)
    held = (sparse @ relation.T).tocoo()
    with_all = np.bincount(held.col[held.data == needed[held.col]], minlength=len(needed))
    with_all[needed == 0] = labels.any(1).sum()
    counts = labels.sum(0)
    jointly: np.ndarray = np.asarray((sparse.T @ sparse).multiply(relation).sum(1)).ravel()
    if (jointly != counts * needed).any():
        term = int(np.argmax(jointly != counts * needed))
        raise InputError(f"a chain has term {term} but lacks a term above it; close the labels (Annotations.closed)")
    return np.log2((with_all + 1) / (counts + 1))


def frequency_information(labels: np.ndarray, total: int | None = None) -> np.ndarray:
    r"""Information content by frequency, :math:`\mathrm{ic}(t) = -\log_2(\max(n_t, 1) / n)`, as HEAL uses it.

    Args:
        labels: Of the chains to count, bool [N, T].
        total: n; the number of chains by default. HEAL takes 69709.

    Returns:
        Bits, float64 [T].

    Raises:
        InputError: if a term has more chains than ``total``.
    """
    counts = np.maximum(labels.sum(0), 1)
    total = len(labels) if total is None else total
    if (counts > total).any():
        raise InputError(f"a term has {counts.max()} chains, more than the total of {total}; count them on one set")
    return np.log2(total / counts)
