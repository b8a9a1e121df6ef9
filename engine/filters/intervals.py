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


def finite_interval(right: int, drawn: int, population: int, confidence: float = 0.95) -> tuple[int, int]:
    """How many of a whole are right, given how many of a random sample of it are: exact, by inverting two tests.

    Args:
        right: in the sample.
        drawn: size of the sample, at least 1.
        population: size of the whole.
        confidence: of the interval.

    Returns: the least and the greatest number of right ones in the whole that the sample does not speak against. Where
        everything was drawn, both are the number of right ones.
    Raises: ValueError where the three numbers do not fit together.
    Source: the hypergeometric analogue of Clopper and Pearson (1934); Buonaccorsi (1987), A note on confidence
        intervals for proportions in finite populations.
    """
    if not 0 <= right <= drawn <= population or drawn < 1:
        raise ValueError(f"{right} right ones of {drawn} drawn from {population} cannot be.")
    alpha = (1 - confidence) / 2
    least, most = right, population - (drawn - right)
    low, high = least, most
    while low < high:  # the least number under which so many right ones, or more, are not too rare
        middle = (low + high) // 2
        low, high = (low, middle) if _tail(right, drawn, middle, population) > alpha else (middle + 1, high)
    lower, low, high = low, least, most
    while low < high:  # the same for the wrong ones
        middle = (low + high + 1) // 2
        wrong = _tail(drawn - right, drawn, population - middle, population)
        low, high = (middle, high) if wrong > alpha else (low, middle - 1)
    return lower, low


def _tail(least: int, drawn: int, marked: int, population: int) -> float:
    """P(at least so many marked ones among those drawn without replacement)."""

    def choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    first, last = max(least, drawn - (population - marked)), min(drawn, marked)
    whole = choose(population, drawn)
    return sum(
        math.exp(choose(marked, k) + choose(population - marked, drawn - k) - whole) for k in range(first, last + 1)
    )
