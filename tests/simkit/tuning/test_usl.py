"""Fitting throughput against concurrency."""

from __future__ import annotations

import math
import random

import pytest

from simkit.tuning.usl import Measured, fit

STEPS = (1, 2, 4, 8, 16, 32, 64, 128)


def law(n: float, gamma: float, alpha: float, beta: float) -> float:
    return gamma * n / (1 + alpha * (n - 1) + beta * n * (n - 1))


def points(
    gamma: float, alpha: float, beta: float, *, noise: float = 0.0, seed: int = 0
) -> list[Measured]:
    draw = random.Random(seed)
    return [
        Measured(
            concurrency=n,
            per_second=law(n, gamma, alpha, beta) * draw.gauss(1, noise),
            error=law(n, gamma, alpha, beta) * max(noise, 1e-4),
        )
        for n in STEPS
    ]


@pytest.mark.parametrize(
    ("gamma", "alpha", "beta"), [(2.0, 0.05, 0.0005), (0.5, 0.0, 0.001), (10.0, 0.2, 0.002)]
)
def test_known_parameters_come_back(gamma: float, alpha: float, beta: float) -> None:
    found = fit(points(gamma, alpha, beta))
    assert found.gamma == pytest.approx(gamma, rel=0.01)
    assert found.alpha == pytest.approx(alpha, abs=0.005)
    assert found.beta == pytest.approx(beta, rel=0.02)
    assert found.shape == "peaked"
    assert found.peak == pytest.approx(math.sqrt((1 - alpha) / beta), rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_a_few_percent_moves_the_peak_by_little(seed: int) -> None:
    found = fit(points(2.0, 0.05, 0.0005, noise=0.03, seed=seed))
    true_peak = math.sqrt(0.95 / 0.0005)
    assert found.peak == pytest.approx(true_peak, rel=0.2)
    assert found.peak_interval is not None
    low, high = found.peak_interval
    assert low <= found.peak <= high
    assert found.throughput(16) == pytest.approx(law(16, 2.0, 0.05, 0.0005), rel=0.05)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_of_a_straight_line_no_peak_and_no_knee_are_claimed(noise: float, seed: int) -> None:
    found = fit(points(1.5, 0.0, 0.0, noise=noise, seed=seed))
    assert (found.shape, found.alpha, found.beta) == ("straight", 0, 0)
    assert found.peak is None
    assert found.knee() is None
    assert found.most == math.inf


def test_contention_alone_flattens_towards_a_bound_and_has_no_peak() -> None:
    found = fit(points(1.0, 0.1, 0.0))
    assert found.shape == "flattening"
    assert found.peak is None
    assert found.most == pytest.approx(10, rel=0.01)


def test_the_knee_gives_its_share_of_the_best_and_lies_before_the_peak() -> None:
    found = fit(points(2.0, 0.05, 0.0005))
    knee, peak = found.knee(0.95), found.peak
    assert knee is not None
    assert peak is not None
    assert knee < peak
    assert found.throughput(knee) == pytest.approx(0.95 * found.throughput(peak), rel=0.001)


def test_two_points_tell_no_peak() -> None:
    found = fit(points(2.0, 0.05, 0.01)[-2:])
    assert found.peak is None


def test_throughput_that_falls_from_the_start_has_its_peak_at_one() -> None:
    found = fit([Measured(concurrency=n, per_second=10 / n, error=0.001) for n in (1, 2, 4, 8)])
    assert found.alpha <= 1
    assert found.peak is None or found.peak < 2


def test_one_concurrency_is_too_little() -> None:
    alike = [Measured(concurrency=4, per_second=1, error=0.1)] * 3
    with pytest.raises(ValueError, match="two concurrencies"):
        fit(alike)
