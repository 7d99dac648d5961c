"""Statistics by NumPy and by definition: counting in whole numbers, closed testing, simulated power.

Reads {"mcnemar": [[b, c]], "p": [[p]], "bootstrap": {...}, "power": [{...}]} and writes the same keys.
"""

import itertools
import json
import math
import sys
from fractions import Fraction

import numpy as np


def closed_bonferroni(p):
    """Adjusted p of each: the largest Bonferroni p of all sets of hypotheses that hold it (Holm is its short cut)."""
    adjusted = [0.0] * len(p)
    for size in range(1, len(p) + 1):
        for group in itertools.combinations(range(len(p)), size):
            value = min(1.0, size * min(p[i] for i in group))
            for i in group:
                adjusted[i] = max(adjusted[i], value)
    return adjusted


def binomial(b, c):
    """Two-sided exact and mid p of b successes in b + c throws of a fair coin, in whole numbers: outcomes as rare or rarer."""
    n = b + c
    ways = [math.comb(n, k) for k in range(n + 1)]
    rarer = sum(way for way in ways if way < ways[b])
    as_rare = sum(way for way in ways if way == ways[b])
    return [float(Fraction(rarer + as_rare, 2**n)), float(Fraction(2 * rarer + as_rare, 2 ** (n + 1)))]


def bootstrap(case, draws, rng):
    """Mean of the skills' means, whole clusters drawn again."""
    value, skill, cluster = (np.array(case[key]) for key in ("value", "skill", "cluster"))
    members = [np.flatnonzero(cluster == one) for one in np.unique(cluster)]
    skills = np.unique(skill)
    totals = []
    for _ in range(draws):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        totals.append(np.mean([value[rows][skill[rows] == one].mean() for one in skills if (skill[rows] == one).any()]))
    return {
        "low": float(np.quantile(totals, 0.025)),
        "high": float(np.quantile(totals, 0.975)),
        "error": float(np.std(totals)),
    }


def power(case, draws, rng):
    """Share of made comparisons in which a paired z-test at 5 % finds the difference."""
    n, discordant, difference = case["questions"], case["discordant"], case["difference"]
    better = (discordant + difference) / 2
    counts = rng.multinomial(n, [better, discordant - better, 1 - discordant], size=draws)
    mean = (counts[:, 0] - counts[:, 1]) / n
    variance = (counts[:, 0] + counts[:, 1]) / n - mean**2
    return float(np.mean(np.abs(mean) > 1.959964 * np.sqrt(variance / n)))


asked = json.load(sys.stdin)
rng = np.random.default_rng(14)
print(
    json.dumps(
        {
            "mcnemar": [binomial(b, c) if b + c else [1.0, 1.0] for b, c in asked["mcnemar"]],
            "p": [closed_bonferroni(p) for p in asked["p"]],
            "bootstrap": bootstrap(asked["bootstrap"], 20000, rng),
            "power": [power(one, 20000, rng) for one in asked["power"]],
        }
    )
)
