"""Intervals of shares."""

import math

Z95 = 1.959963984540054


def wilson(successes: float, trials: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Args:
        successes: how many, or the sum of probabilities; between 0 and trials.
        trials: at least 1.
        z: normal quantile; 1.96 for 95 %.

    Returns: low and high, fractions in [0, 1].
    Raises: ValueError without a trial.
    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if trials < 1:
        raise ValueError("An interval needs at least one trial.")
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
