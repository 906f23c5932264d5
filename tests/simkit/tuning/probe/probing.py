"""Probes of simulated providers with light conversations, in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simkit.bus import Bus
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.drain import Drain
from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.live import Probe, Probed
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.virtual_time import run_virtually
from tests.simkit.tuning.probe.light_run import LightRun, over_light

BUDGET = 2_000_000
"""Tokens."""


def a_config(**options: Any) -> RunConfig:
    return load_config(
        None,
        {
            "catalog.demo": True,
            "model.name": "light",
            "provider.base_url": "http://127.0.0.1:9/v1",
            "run.conversations": 100_000,
            **options,
        },
    )


def probed(
    terms: ProviderTerms, budget: int = BUDGET, on_the_way: float = 0.0
) -> tuple[Probed, LightRun]:
    """What a probe of a provider with *terms* found, and the run that it led."""
    config, runs = a_config(), LightRun()
    transports = over_light(terms, on_the_way=on_the_way)
    probe = Probe(config, Allowed(tokens=budget, unit="tokens"), transports, runs=runs)

    async def main() -> None:
        await probe.play(config, Path("nowhere"), Bus(), Drain())

    run_virtually(main)
    assert probe.probed is not None
    return probe.probed, runs
