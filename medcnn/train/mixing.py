"""Labels that are shared between classes, and images that are mixed with one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mixing:
    """How the labels of a batch are softened and its images mixed.

    Attributes:
        classes: how many there are.
        smoothing: share of a label that is spread evenly over all classes.
        mixup: alpha of the shares in which pairs of images are mixed (Zhang et al., ICLR 2018); 0 for none.
        cutmix: alpha of the shares in which a box of one image is put into another (Yun et al., ICCV 2019); 0 for none.
            With both, each batch gets one of them.
    """

    classes: int
    smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0

    def apply(
        self, inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Soften and mix one batch.

        Args:
            inputs: images uint8 (B, S, S, 3), or features float32 (B, F).
            labels: int64 (B,), or shares of the classes float32 (B, C), which are not softened.
            weights: float32 (B,).
            rng: decides who is mixed with whom, and how much.

        Returns:
            Inputs of the same kind, shares of the classes float32 (B, C), weights.
        """
        shares = labels if labels.ndim == 2 else self._softened(labels)
        kinds = [kind for kind in ("mixup", "cutmix") if getattr(self, kind)]
        if not kinds:
            return inputs, shares.astype(np.float32), weights
        kind = kinds[rng.integers(len(kinds))]
        partner, alpha = rng.permutation(len(inputs)), getattr(self, kind)
        kept = float(rng.beta(alpha, alpha))
        inputs, kept = _blended(inputs, partner, kept) if kind == "mixup" else _patched(inputs, partner, kept, rng)
        shares, weights = (kept * each + (1 - kept) * each[partner] for each in (shares, weights))
        return inputs, shares.astype(np.float32), weights.astype(np.float32)

    def _softened(self, labels: np.ndarray) -> np.ndarray:
        whole: np.ndarray = np.eye(self.classes, dtype=np.float32)[labels]
        return whole * (1 - self.smoothing) + self.smoothing / self.classes


def _blended(inputs: np.ndarray, partner: np.ndarray, kept: float) -> tuple[np.ndarray, float]:
    values = kept * inputs.astype(np.float32) + (1 - kept) * inputs[partner]
    return (np.rint(values) if inputs.dtype == np.uint8 else values).astype(inputs.dtype), kept


def _patched(
    inputs: np.ndarray, partner: np.ndarray, kept: float, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Images with a box of their partner's, and the share that is left of their own after the border cut the box."""
    height, width = inputs.shape[1:3]
    side = np.sqrt(1 - kept) / 2
    centre = rng.random(2)
    (top, left), (bottom, right) = (
        np.rint(np.clip(centre + sign * side, 0, 1) * (height, width)).astype(int) for sign in (-1, 1)
    )
    patched = inputs.copy()
    patched[:, top:bottom, left:right] = inputs[partner, top:bottom, left:right]
    return patched, 1 - (bottom - top) * (right - left) / (height * width)
