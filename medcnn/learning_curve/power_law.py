"""An inverse power law through a learning curve: error = floor + scale * patients ** -exponent.

Cortes et al., "Learning Curves: Asymptotic Values and Rate of Convergence" (NIPS 1993). Viering and Loog, "The Shape of
Learning Curves: A Review" (TPAMI 2023), find it to fit well, and say where curves do not behave.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize

from medcnn.core.arrays import Floats

EXPONENTS = (0.1, 2.0)
"""Between these exponents lie the curves that were measured; outside of them five points say nothing."""


class PowerLaw(NamedTuple):
    """An error that falls to a floor; none of the three is negative."""

    floor: float
    scale: float
    exponent: float

    def at(self, patients: float) -> float:
        """The error with so many training patients."""
        return float(self.floor + self.scale * patients**-self.exponent)

    def gain(self, patients: float) -> float:
        """How much of the error goes with twice as many."""
        return self.at(patients) - self.at(2 * patients)


def fitted(patients: Floats, errors: Floats) -> PowerLaw:
    """The power law of least squares.

    For any exponent floor and scale are linear, and found exactly; the exponent is searched between ``EXPONENTS``.

    Args:
        patients: (K,) at least two different numbers above 0.
        errors: (K,) what was measured with so many.
    """

    def linear(exponent: float) -> tuple[Floats, float]:
        powers = (patients / patients.max()) ** -exponent
        return optimize.nnls(np.stack([np.ones_like(powers), powers], axis=1), errors)

    found = optimize.minimize_scalar(lambda exponent: linear(exponent)[1], bounds=EXPONENTS, method="bounded")
    (floor, scale), _ = linear(found.x)
    return PowerLaw(float(floor), float(scale * patients.max() ** found.x), float(found.x))
