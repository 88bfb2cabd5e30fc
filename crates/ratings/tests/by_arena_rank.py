"""Makes by_arena_rank.json: votes, and what the public package `arena-rank` (0.1.1) says of them.

    pip install arena-rank==0.1.1 && python by_arena_rank.py

With `--time N` it makes N votes among 60 models instead and prints how long the package takes for ratings with
intervals, first without and then with the time that its compiler takes; `cargo bench -p ratings` does the same here.
"""

import json
import pathlib
import sys
import time

import numpy as np
import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset

OUTCOMES = ["model_a", "model_b", "tie", "both_bad"]


def votes(models, count, ties, spread, seed):
    """Counts of (left, right, outcome), drawn with Davidson's ties."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(0.0, spread, models)
    left = rng.integers(0, models, count)
    right = (left + rng.integers(1, models, count)) % models
    better = 1.0 / (1.0 + np.exp(strengths[right] - strengths[left]))
    neither = ties * np.sqrt(better * (1.0 - better))
    lot = rng.random(count) * (1.0 + neither)
    bad = rng.random(count) < 0.3
    outcome = np.where(lot < better, 0, np.where(lot < 1.0, 1, np.where(bad, 3, 2)))
    return pd.DataFrame({"model_a": left, "model_b": right, "winner": [OUTCOMES[at] for at in outcome]})


def rated(frame):
    data = PairDataset.from_pandas(frame)
    model = BradleyTerry(n_competitors=len(data.competitors), init_rating=1100.0, ftol=0.0, gtol=1e-10)
    return model.compute_ratings_and_cis(data, significance_level=0.05)


def case(name, **of):
    frame = votes(**of)
    said = rated(frame)
    counts = frame.groupby(["model_a", "model_b", "winner"]).size()
    return {
        "name": name,
        "votes": [[int(a), int(b), OUTCOMES.index(w), int(n)] for (a, b, w), n in counts.items()],
        "ratings": [round(float(value), 4) for value in said["ratings"]],
        "lower": [round(float(value), 4) for value in said["rating_lower"]],
        "upper": [round(float(value), 4) for value in said["rating_upper"]],
    }


def timed(count):
    frame = votes(models=60, count=count, ties=0.4, spread=0.6, seed=1)
    for run in ("with its compiler", "compiled"):
        begin = time.perf_counter()
        data = PairDataset.from_pandas(frame)
        model = BradleyTerry(n_competitors=len(data.competitors))
        model.compute_ratings_and_cis(data)["rating_lower"].block_until_ready()
        print(f"{run}: {time.perf_counter() - begin:.2f} s for {count} votes, sandwich intervals")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--time"]:
        timed(int(sys.argv[2]))
    else:
        cases = [
            case("few", models=4, count=300, ties=0.5, spread=0.5, seed=11),
            case("no ties", models=9, count=4000, ties=0.0, spread=0.8, seed=12),
            case("many", models=20, count=20000, ties=0.6, spread=0.6, seed=13),
        ]
        path = pathlib.Path(__file__).with_suffix(".json")
        path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
