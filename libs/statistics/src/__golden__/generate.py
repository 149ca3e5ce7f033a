"""Writes the golden numbers beside it: what scipy, scikit-learn, numpy, Fairlearn and Evidently say about data that the tests rebuild.

    python -m venv venv && venv/bin/pip install numpy scipy scikit-learn fairlearn 'pandas<3' evidently==0.7.23
    venv/bin/python generate.py && npx prettier --write .

Data is made by `sequence`, a linear congruential generator that a test repeats bit by bit; no file of samples is kept.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests import registry
from evidently.legacy.core import ColumnType
from fairlearn import metrics as fair
from scipy import stats
from sklearn import metrics, utils
from sklearn.isotonic import IsotonicRegression

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent


def sequence(seed, n):
    """n numbers in [0, 1): x' = (1664525 x + 1013904223) mod 2^32."""
    out = np.empty(n)
    x = seed
    for i in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        out[i] = x / 2**32
    return out


def numeric(seed, n, shift=0.0, scale=1.0):
    return shift + scale * (sequence(seed, n) + sequence(seed + 1, n) ** 2)


def coarse(seed, n, k, shift=0.0):
    return np.floor((sequence(seed, n) + shift) * k)


def write(name, value):
    (HERE / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")


def evidently(reference, current, kind):
    r, c = pd.Series(reference), pd.Series(current)
    feature = ColumnType(kind)
    scores = {
        name: float(registry.get_stattest(r.copy(), c.copy(), feature, name)(r.copy(), c.copy(), feature, None).drift_score)
        for name in ["psi", "kl_div", "jensenshannon", "hellinger"] + (["wasserstein"] if kind == "num" else [])
    }
    default = registry.get_stattest(r, c, feature, None)
    result = default(r, c, feature, None)
    return scores | {"default": default.name, "score": float(result.drift_score), "drifted": bool(result.drifted)}


def drift():
    cases = []
    for n, m, shift, scale in [(200, 150, 0.0, 1.0), (800, 900, 0.1, 1.0), (1000, 400, 0.0, 1.2), (3000, 2000, 0.05, 1.0), (5000, 700, 0.4, 2.0)]:
        r, c = numeric(1, n), numeric(7, m, shift, scale)
        cases.append({"kind": "num", "reference": [1, n, 0, 1], "current": [7, m, shift, scale], **evidently(r, c, "num")})
    coarse_cases = []
    for kind, n, m, k, shift in [("num", 500, 400, 4, 0.1), ("num", 2000, 1500, 4, 0.1), ("num", 500, 500, 2, 0.0), ("cat", 600, 700, 2, 0.05), ("cat", 900, 800, 6, 0.2), ("cat", 4000, 3000, 12, 0.3), ("num", 3000, 2500, 15, 0.05)]:
        r, c = coarse(3, n, k), coarse(11, m, k, shift)
        coarse_cases.append({"kind": kind, "reference": [3, n, k, 0], "current": [11, m, k, shift], **evidently(r, c, kind)})
    write("drift", {"numeric": cases, "coarse": coarse_cases})


def kolmogorov():
    samples = []
    for n, m, shift in [(5, 7, 0.3), (50, 50, 0.1), (120, 75, 0.2), (1000, 900, 0.05), (1000, 1000, 0.0), (10000, 9000, 0.01), (12000, 40, 0.1), (12000, 11000, 0.02), (20000, 15000, 0.0)]:
        result = stats.ks_2samp(numeric(1, n), numeric(7, m, shift))
        samples.append({"n": n, "m": m, "shift": shift, "statistic": result.statistic, "pValue": result.pvalue})
    tails = [
        {"n": n, "d": d, "tail": float(stats.kstwo.sf(d, n))}
        for n in [10, 100, 140, 141, 1000, 5000, 20000, 150000]
        for d in [z / math.sqrt(n) for z in (0.3, 0.5, 0.7, 0.9, 1.2, 1.6, 2.5, 4.0)]
        if d < 1
    ]
    write("kolmogorov", {"samples": samples, "tails": tails})


def special():
    xs = [1e-3, 0.1, 0.5, 1, 2, 3.7, 10, 55, 200]
    write("special", {
        "chiSquareTail": [[x, df, float(stats.chi2.sf(x, df))] for x in xs for df in (1, 2, 5, 40)],
        "normalTail": [[z, float(stats.norm.sf(z))] for z in (-3, -1, 0, 0.3, 1, 1.959963984540054, 4, 8, 20)],
        "normalQuantile": [[p, float(stats.norm.ppf(p))] for p in (1e-9, 0.001, 0.025, 0.3, 0.5, 0.9, 0.975, 0.999999)],
        "murmur3": [[text, seed, int(utils.murmurhash3_32(text, seed=seed, positive=True))] for text in ("", "a", "ab", "abc", "flight-1", "Ünïcödé ✈") for seed in (0, 1, 0x7747B28C)],
    })


def model_metrics():
    n = 2000
    labels = (sequence(5, n) < 0.3).astype(int)
    scores = np.clip(np.round(0.25 + 0.3 * labels + 0.5 * (sequence(9, n) - 0.5), 2), 0.001, 0.999)
    said = (scores >= 0.5).astype(int)
    groups = np.array([f"g{int(v * 3)}" for v in sequence(13, n)])
    isotonic = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    grid = np.linspace(-0.1, 1.1, 25)
    target, guess = numeric(21, n), numeric(21, n) + 0.2 * (sequence(23, n) - 0.5)
    k = 4
    classes = np.floor(sequence(31, n) * k).astype(int)
    raw = np.stack([sequence(41 + i, n) + (classes == i) for i in range(k)], axis=1)
    proba = raw / raw.sum(axis=1, keepdims=True)
    by = dict(sensitive_features=groups)
    write("metrics", {
        "binary": {
            "auc": metrics.roc_auc_score(labels, scores),
            "logLoss": metrics.log_loss(labels, scores),
            "accuracy": metrics.accuracy_score(labels, said),
            "brier": metrics.brier_score_loss(labels, scores),
            "precision": metrics.precision_score(labels, said),
            "recall": metrics.recall_score(labels, said),
            "f1": metrics.f1_score(labels, said),
            "baseRate": float(labels.mean()),
        },
        "regression": {
            "rmse": metrics.root_mean_squared_error(target, guess),
            "mae": metrics.mean_absolute_error(target, guess),
            "r2": metrics.r2_score(target, guess),
        },
        "multiclass": {"accuracy": metrics.accuracy_score(classes, proba.argmax(axis=1)), "logLoss": metrics.log_loss(classes, proba), "macroF1": metrics.f1_score(classes, proba.argmax(axis=1), average="macro")},
        "fairness": {
            "demographicParity": fair.demographic_parity_difference(labels, said, **by),
            "demographicParityRatio": fair.demographic_parity_ratio(labels, said, **by),
            "equalizedOdds": fair.equalized_odds_difference(labels, said, **by),
            "equalOpportunity": fair.MetricFrame(metrics=fair.true_positive_rate, y_true=labels, y_pred=said, **by).difference(),
        },
        "isotonic": [[float(x), float(y)] for x, y in zip(grid, isotonic.predict(grid))],
    })


for make in (drift, kolmogorov, special, model_metrics):
    make()
