"""Autoregressive rollout: a trajectory from the ground state and the field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import torch
from torch import Tensor

from graphlearn.models import OrbitalModel
from graphlearn.orbitals.chunking import state_chunk_size
from graphlearn.orbitals.compatibility import check_fits
from graphlearn.orbitals.data.batch import Normalizer, OrbitalBatch, collate, field_window
from graphlearn.orbitals.data.target import Repair, moved_orbitals, to_delta
from graphlearn.orbitals.data.trajectories import OrbitalTrajectory
from tdddft.trajectory import Trajectory


class DivergedError(RuntimeError):
    """A rollout left the numbers that can be represented."""


class Rollout:
    """Predicts whole trajectories, one bundle of frames after the other, each from the model's own output.

    Args:
        model: The predictor.
        normalizer: Its units.
        repair: What is done to the orbitals of a bundle before they become history: ``norm`` divides each by its
            norm, ``loewdin`` makes them S-orthonormal, ``none`` leaves them.
        memory_bytes: Memory that a forward pass may take; states are worked through in parts that fit. By default half
            of what is free.
    """

    def __init__(
        self, model: OrbitalModel, normalizer: Normalizer, *, repair: Repair = "none", memory_bytes: int | None = None
    ) -> None:
        if repair not in get_args(Repair):
            raise ValueError(f"repair {repair!r} is unknown; choose 'none', 'norm' or 'loewdin'")
        self.model, self.normalizer, self.repair, self.memory_bytes = model, normalizer, repair, memory_bytes

    @torch.no_grad()
    def __call__(
        self,
        trajectories: Sequence[OrbitalTrajectory],
        *,
        frames: int | None = None,
        teacher: bool = False,
        ground_states: Sequence[Trajectory] | None = None,
        first_bundle: int | None = None,
    ) -> list[Tensor]:
        """Predict several trajectories side by side.

        Args:
            trajectories: Ground states and fields; their frames are used only with ``teacher``. Molecules may differ.
            frames: Frames to predict, the one at t = 0 included; by default those of the trajectories, which must then
                agree. The field is zero beyond its samples.
            teacher: Take the history of every bundle from the trajectory rather than from the model (one-step error).
            ground_states: The same molecules as files hold them; needed for ``repair``.
            first_bundle: Frames to keep of the first bundle, so that all later bundles begin elsewhere.

        Returns:
            Delta of each trajectory, [N, S, 9, R, F, 2], not normalised; frame 0 is zero.

        Raises:
            InputError: if a trajectory does not fit the model, or one state alone takes more memory than there is.
            DivergedError: if the prediction is not finite.
        """
        model = self.model.eval()
        for trajectory in trajectories:
            check_fits(model, self.normalizer, trajectory)
        if frames is None:
            frames = trajectories[0].num_frames
            if any(t.num_frames != frames for t in trajectories):
                raise ValueError("trajectories of one rollout must have the same number of frames")
        if self.repair != "none" and (ground_states is None or len(ground_states) != len(trajectories)):
            raise ValueError(f"repair={self.repair!r} needs the ground state of every trajectory")
        if model.any_number_of_frames and not teacher and self.repair == "none" and first_bundle is None:
            model = model.lasting(frames - 1)
        bundle = model.num_frames
        start = self._collate(trajectories, 0, bundle)
        start = replace(start, delta=torch.zeros_like(start.delta))
        parts = state_chunk_size(model, start, self.memory_bytes)
        history, outputs, known = start.delta, list[Tensor](), 0
        while known < frames - 1:
            if teacher:
                batch = self._collate(trajectories, known, bundle)
            else:
                batch = replace(
                    start, delta=history, field_strength=self._field(trajectories, known, bundle).to(start.c0)
                )
            output = model(batch, state_chunk_size=parts).to(start.c0)
            if ground_states is not None and self.repair != "none":
                output = self._repaired(output, start, trajectories, ground_states)
            outputs.append(output[..., : (first_bundle if known == 0 and first_bundle else bundle), :])
            known += outputs[-1].shape[-2]
            history = torch.cat([history, outputs[-1]], dim=-2)[..., -bundle:, :]
        joined = torch.cat([torch.zeros_like(outputs[0][..., :1, :]), *outputs], dim=-2)[..., :frames, :]
        if not bool(torch.isfinite(joined).all()):
            raise DivergedError("the rollout diverged: the model predicts numbers that are not finite")
        return _split(joined * self.normalizer.delta_rms, start)

    def _collate(self, trajectories: Sequence[OrbitalTrajectory], frame: int, bundle: int) -> OrbitalBatch:
        device = next(self.model.parameters()).device
        return collate([(t, frame) for t in trajectories], self.normalizer, bundle).to(device)

    def _field(self, trajectories: Sequence[OrbitalTrajectory], frame: int, bundle: int) -> Tensor:
        """Strength of the field around a frame, normalised [B, P]."""
        return torch.stack([field_window(t, frame, bundle, bundle) for t in trajectories]) / (
            self.normalizer.field_v_per_angstrom
        )

    def _repaired(
        self,
        output: Tensor,
        batch: OrbitalBatch,
        trajectories: Sequence[OrbitalTrajectory],
        ground_states: Sequence[Trajectory],
    ) -> Tensor:
        """The bundle after normalising or orthonormalising its orbitals."""
        result = output.clone()
        scale = self.normalizer.delta_rms
        pieces = _split(output * scale, batch)
        for index, (piece, item, ground) in enumerate(zip(pieces, trajectories, ground_states, strict=True)):
            repaired = moved_orbitals(item.layout.delta_from_slots(piece), ground, self.repair)
            slots = item.layout.delta_to_slots(to_delta(ground, repaired))
            result[batch.batch == index, : piece.shape[1]] = slots.to(output) / scale
        return result


def bundle_disagreement(first: Tensor, second: Tensor) -> Tensor:
    r"""How much two rollouts differ, as an estimate of their error: :math:`\lVert a_n(t) - b_n(t) \rVert` [S, F].

    Roll out twice, once with ``first_bundle`` of half a bundle, and compare.

    Args:
        first: Delta [N, S, 9, R, F, 2].
        second: Likewise.

    Returns:
        One number per state and frame, [S, F].
    """
    return (first - second).square().sum(dim=(0, 2, 3, 5)).sqrt()


def _split(delta: Tensor, batch: OrbitalBatch) -> list[Tensor]:
    """Cut a batch into molecules and drop padded states."""
    counts = (batch.occupations > 0).sum(1).tolist()
    return [delta[batch.batch == b][:, :count].cpu() for b, count in enumerate(counts)]
