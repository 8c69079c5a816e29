"""A property of a whole molecule from the layers of an OrbEvo."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.models.batch import OrbitalInput
from graphlearn.models.orbevo.model import OrbEvo
from graphlearn.nn.readout import HistoryReadout


class OrbEvoScalar(nn.Module):
    r"""Reads invariant numbers of a molecule out of the whole layer history of an OrbEvo (HISTOGRAPH).

    .. math:: y = \mathrm{MLP}(\mathrm{readout}(x_0, \dots, x_L)), \qquad
              x_l = \frac{1}{S} \sum_n f^{(l)}_{n, 00}

    with the l = 0 features f of every layer, the mean over states. Turning the molecule and its field together, or
    reordering atoms or states, changes nothing.

    Args:
        backbone: The network; new, or trained on trajectories.
        out_channels: Numbers per molecule.
        heads: Heads of the attention between atoms.

    Shapes:
        - data: as :class:`graphlearn.datasets.OrbitalBatch`
        - output: ``[B, out_channels]``
    """

    def __init__(self, backbone: OrbEvo, out_channels: int = 1, *, heads: int = 1) -> None:
        super().__init__()
        self.backbone, self.out_channels = backbone, out_channels
        channels = backbone.channels
        self.readout = HistoryReadout(channels, heads=heads)
        self.head = nn.Sequential(nn.Linear(channels, channels), nn.SiLU(), nn.Linear(channels, out_channels))

    def forward(self, data: OrbitalInput) -> Tensor:
        """Predict numbers of molecules.

        Args:
            data: As for :meth:`OrbEvo.forward <graphlearn.models.OrbEvo.forward>`.

        Returns:
            [B, out_channels].
        """
        vector: Tensor = self.readout(self.backbone.history(data), data.batch, batch_size=len(data.occupations))
        out: Tensor = self.head(vector)
        return out

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.backbone!r}, {self.out_channels})"
