"""Golden numbers for src/evaluation/statistics, by numpy and scipy formulas.

    python -m venv /some/folder && /some/folder/bin/pip install numpy==2.* scipy==1.*
    /some/folder/bin/python scripts/make-golden/statistics.py > test/golden/expected/statistics.json
"""

import itertools
import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(20261121)


def clustered(values, clusters, level=0.95):
    values = np.asarray(values, float)
    names, index = np.unique(clusters, return_inverse=True)
    mean = values.mean()
    sums = np.bincount(index, weights=values - mean)
    plain = np.sqrt((sums**2).sum()) / len(values)
    count = len(names)
    error = plain * np.sqrt(count / (count - 1))
    reach = stats.t.ppf(1 - (1 - level) / 2, count - 1) * error
    naive = values.std(ddof=1) / np.sqrt(len(values))
    effective = count if error == 0 else len(values) / max(1.0, (error / naive) ** 2)
    z = stats.norm.ppf(1 - (1 - level) / 2)
    centre = (mean + z**2 / (2 * effective)) / (1 + z**2 / effective)
    half = z / (1 + z**2 / effective) * np.sqrt(mean * (1 - mean) / effective + z**2 / (4 * effective**2))
    return {
        "mean": mean,
        "naive": naive,
        "plain": plain,
        "error": error,
        "low": mean - reach,
        "high": mean + reach,
        "wilsonLow": centre - half,
        "wilsonHigh": centre + half,
    }


def case(clips, per_clip):
    base = rng.random(clips)
    clusters, complete, absent, control = [], [], [], []
    for clip in range(clips):
        for _ in range(rng.integers(1, per_clip + 1)):
            clusters.append(f"clip-{clip:02d}")
            complete.append(int(rng.random() < 0.3 + 0.6 * base[clip]))
            absent.append(int(rng.random() < 0.3))
            control.append(int(rng.random() < 0.25 + 0.6 * base[clip]))
    c, a, r = (np.array(x, float) for x in (complete, absent, control))
    return {
        "clusters": clusters,
        "complete": complete,
        "absent": absent,
        "control": control,
        "accuracy": clustered(c, clusters),
        "difference": clustered(c - a, clusters),
        "sensitivity": clustered((c - a) - (c - r), clusters),
    }


def wilson(right, total):
    interval = stats.binomtest(right, total).proportion_ci(method="wilson")
    return [right, total, interval.low, interval.high]


def mcnemar(b, c):
    n = b + c
    exact = stats.binomtest(b, n, 0.5).pvalue
    least = min(b, c)
    mid = 2 * stats.binom.cdf(least, n, 0.5) - stats.binom.pmf(least, n, 0.5)
    return [b, c, exact, min(1.0, mid) if b != c else 1 - 0.5 * stats.binom.pmf(least, n, 0.5)]


draws = [np.mean(draw) for draw in itertools.product([1, 0, 1], repeat=3)]

print(
    json.dumps(
        {
            "made": {"by": "scripts/make-golden/statistics.py", "numpy": np.__version__},
            "cases": [case(12, 4), case(40, 6), case(5, 1)],
            "wilson": [wilson(*x) for x in [(5, 10), (0, 10), (10, 10), (46, 100), (256, 1000), (721, 1000)]],
            "mcnemar": [mcnemar(*x) for x in [(10, 2), (15, 5), (30, 12), (5, 5), (60, 40), (0, 3)]],
            "student": [[p, n, stats.t.ppf(p, n)] for p in (0.6, 0.9, 0.975, 0.999) for n in (1, 2, 7, 30, 599)],
            "normal": [[p, stats.norm.ppf(p)] for p in (1e-6, 0.02, 0.3, 0.5, 0.9, 0.975, 0.9999)],
            "bootstrapDeviation": float(np.std(draws)),
        },
        indent=1,
    )
)
