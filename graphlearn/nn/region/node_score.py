"""How much a residue is worth keeping, from its surroundings, its secondary structure and the proposals near it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MLP
from torch_geometric.nn.inits import ones, reset

from graphlearn.nn.region.cone import penumbral_similarity
from graphlearn.nn.region.convolution import Convolution
from graphlearn.nn.region.edges import mean_of_incoming, symmetric_normalised, with_self_loops
from graphlearn.nn.region.neighbour_sum import Neighbours


class NodeScore(nn.Module):
    r"""Logit of keeping each residue, see :class:`HierarchicalNodeDrop`.

    .. math::
        a_i = \mathrm{MLP}(\mathrm{GCN}(x)_i) + \beta_{ss}\, s_i
            + \frac{1}{|N(i)|} \sum_{j \in N(i)} m_j \big(\beta_{sp}\, e^{-|r_i - r_j|^2 / 2\sigma^2}
            + \beta_c\, S(W_q h_i, W_k h_j)\big)

    Args:
        channels: Channels of the residues.
        hidden: Channels of h, the output of the GCN, and inside the MLP.
        sigma_angstrom: Width :math:`\sigma` of the kernel.
        cone: Whether there is the last term, with :func:`penumbral_similarity` S.

    Shapes:
        - x: ``[N, channels]``; edge_index: ``[2, E]``; edge_weight: ``[E]``; positions: ``[N, 3]``
        - secondary, mask: ``[N]``; output: ``[N]``

    Example:
        >>> score, ones = NodeScore(4, 4, sigma_angstrom=6.0), torch.ones(2)
        >>> score(torch.randn(2, 4), torch.tensor([[0, 1], [1, 0]]), ones, torch.zeros(2, 3), ones, ones).shape
        torch.Size([2])
    """

    def __init__(self, channels: int, hidden: int, *, sigma_angstrom: float, cone: bool = False) -> None:
        super().__init__()
        self.channels, self.hidden, self.sigma_angstrom = channels, hidden, sigma_angstrom
        self.encoder = Convolution(channels, hidden)
        self.mlp = MLP([hidden, hidden, 1], norm=None)
        self.beta_secondary = nn.Parameter(torch.empty(()))
        self.beta_proximity = nn.Parameter(torch.empty(()))
        self.beta_cone = nn.Parameter(torch.empty(())) if cone else None
        self.points = nn.Linear(hidden, 2 * hidden) if cone else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise all weights again, those of the preferences at 1."""
        for module in (self.encoder, self.mlp, self.points):
            reset(module)
        for beta in (self.beta_secondary, self.beta_proximity, self.beta_cone):
            ones(beta)

    def forward(
        self, x: Tensor, edge_index: Tensor, edge_weight: Tensor, positions: Tensor, secondary: Tensor, mask: Tensor
    ) -> Tensor:
        """Logits of keeping each residue.

        Args:
            x: Features of the residues, ``[N, channels]``.
            edge_index: Contacts, ``[2, E]``; self-loops do not count as neighbours.
            edge_weight: Weights of the contacts, ``[E]``.
            positions: Positions in Å, ``[N, 3]``.
            secondary: Preference by secondary structure s, ``[N]``.
            mask: Soft membership of the proposed regions m, ``[N]``.

        Returns:
            ``[N]``.

        Raises:
            ValueError: if an edge joins a residue whose position is not finite.
        """
        edges, weight = with_self_loops(edge_index, edge_weight, x.size(0))
        h = self.encoder(x, Neighbours(edges, x.size(0)), symmetric_normalised(edges, weight, x.size(0)))
        contacts = edge_index[:, edge_index[0] != edge_index[1]]
        source, target = contacts
        square = (positions.index_select(0, source) - positions.index_select(0, target)).square().sum(-1)
        if not bool(square.isfinite().all()):
            raise ValueError("an edge joins a residue whose position is not finite; leave out its edges or the residue")
        near = self.beta_proximity * (-square / (2 * self.sigma_angstrom**2)).exp()
        if self.points is not None and self.beta_cone is not None:
            query, key = self.points(h).chunk(2, dim=-1)
            alike = penumbral_similarity(query.index_select(0, target), key.index_select(0, source))
            near = near + self.beta_cone * alike
        nearby = mean_of_incoming(mask.index_select(0, source) * near, contacts, x.size(0))
        own: Tensor = self.mlp(h).squeeze(-1)
        return own + self.beta_secondary * secondary + nearby

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.hidden}, sigma_angstrom={self.sigma_angstrom})"
