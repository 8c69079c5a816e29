"""How well scores of residues find the residues of a site. One value per chain, then the mean over chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from graphlearn.base.errors import InputError


@dataclass(frozen=True)
class Localisation:
    """Agreement of scores with sites.

    Attributes:
        auroc: Area under the ROC curve; 0.5 for random scores. NaN where all known residues are of the site.
        aupr: Average precision; about ``site_fraction`` for random scores.
        top_recall: Fraction of the site among the best tenth of the residues; about 0.1 for random scores.
        site_fraction: Residues of the site among the known ones.
        chains: How many the values are a mean over.
    """

    auroc: float
    aupr: float
    top_recall: float
    site_fraction: float
    chains: int = 1


def localise_chain(scores: np.ndarray, site: np.ndarray, known: np.ndarray | None = None) -> Localisation:
    """Agreement of the scores of one chain with its site.

    Args:
        scores: Higher for residues that are more likely in the site, float [L].
        site: Residue is of the site, bool [L].
        known: Residues to evaluate, bool [L]; all by default.

    Returns:
        AUROC, AUPR, recall of the best tenth and fraction of site residues; AUROC is nan where all known residues are
        of the site.

    Raises:
        InputError: if shapes differ, a score is not finite or no known residue is of the site.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    known = np.ones(len(site), dtype=bool) if known is None else known
    if not scores.shape == site.shape == known.shape or scores.ndim != 1:
        raise InputError(
            f"{scores.shape} scores, {site.shape} site and {known.shape} known residues must be of one chain"
        )
    scores, truth = scores[known], site[known]
    if not np.isfinite(scores).all():
        raise InputError(f"{int((~np.isfinite(scores)).sum())} scores of residues are not finite")
    if not truth.any():
        raise InputError("no known residue is of the site; leave the chain out")
    return Localisation(
        auroc=float("nan") if truth.all() else float(roc_auc_score(truth, scores)),
        aupr=float(average_precision_score(truth, scores)),
        top_recall=top_recall(scores, truth),
        site_fraction=float(truth.mean()),
    )


def localise(
    scores: Mapping[str, np.ndarray], sites: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[Localisation, dict[str, Localisation]]:
    """Mean agreement over the chains that have both scores and a site, and that of each chain.

    Args:
        scores: Of each chain, float [L].
        sites: Of each chain, site and known residues, bool [L] each (``SiteMask``). Chains without a known residue of
            the site are left out.

    Returns:
        Mean over the chains, and the agreement of each chain by its name. A mean AUROC leaves out the chains where it
        is nan.

    Raises:
        InputError: if no chain has both, or the lengths of one differ; names the chain.
    """
    found: dict[str, Localisation] = {}
    for chain in sorted(scores.keys() & sites.keys()):
        site, known = sites[chain]
        if not (site & known).any():
            continue
        try:
            found[chain] = localise_chain(scores[chain], site, known)
        except InputError as error:
            raise InputError(f"{chain}: {error}") from None
    if not found:
        raise InputError(f"none of the {len(scores)} chains with scores has a known residue of a site")
    parts = list(found.values())
    areas = np.array([part.auroc for part in parts])
    mean = Localisation(
        auroc=float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan"),
        aupr=float(np.mean([part.aupr for part in parts])),
        top_recall=float(np.mean([part.top_recall for part in parts])),
        site_fraction=float(np.mean([part.site_fraction for part in parts])),
        chains=len(parts),
    )
    return mean, found


def top_recall(scores: np.ndarray, truth: np.ndarray, fraction: float = 0.1) -> float:
    r"""Fraction of the true residues among the :math:`k = \max(1, \lfloor L f \rfloor)` of the highest scores.

    Residues of equal scores share the remaining ones of the k places, so that the order of the
    residues has no influence.

    Args:
        scores: Float [L].
        truth: Bool [L], with a true residue.
        fraction: f.

    Returns:
        Recall, 0 to 1.
    """
    places = max(1, int(len(scores) * fraction))
    cut = np.sort(scores)[-places]
    above, level = scores > cut, scores == cut
    share = (places - above.sum()) / level.sum()
    return float((truth[above].sum() + share * truth[level].sum()) / truth.sum())
