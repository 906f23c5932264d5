"""The embedder that asks a provider: retries around limits around the model of ``[embedding]``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.from_thread import BlockingPortal

from simkit.accounts import accounts_of, check, joined
from simkit.clients.http_session import open_session
from simkit.clients.metered import Metered
from simkit.clients.openai_embeddings import OpenAIEmbeddings
from simkit.config import ConfigError, ProviderConfig, RunConfig
from simkit.config_check import embedding_problems
from simkit.filters.sole_error import sole_error_raised
from simkit.prices import Prices
from simkit.provider_embedder import CALLS_AT_ONCE, ProviderEmbedder
from simkit.spending import Ledger


@asynccontextmanager
async def open_embedder(
    config: RunConfig, ledger: Ledger, prices: Prices
) -> AsyncIterator[ProviderEmbedder | None]:
    """The embedder behind ``[embedding]``, for threads, with its connections open until leaving.

    None when the embedder of *config* is another one than "provider". What is paid is
    counted in *ledger*, at *prices*.

    Raises:
        ConfigError: No model is named, its provider has no table or no embeddings, or a key
            is not in the environment.
        Unreachable, KeyRefused: The provider does not answer, or not to this key.
    """
    if config.graph.embedder != "provider":
        yield None
        return
    model, provider = _chosen(config)
    name = config.embedding.provider
    async with open_session(
        max_connections=CALLS_AT_ONCE, connect_seconds=provider.connect_seconds
    ) as session:
        accounts = list(
            accounts_of(
                provider,
                model,
                OpenAIEmbeddings,
                session,
                connections=CALLS_AT_ONCE,
                is_alone=len(provider.api_key_env) <= 1,
                around=lambda transport: Metered(transport, ledger, prices.of(name, model)),
            )
        )
        await check(accounts)
        client = joined(accounts, (), provider)
        with sole_error_raised():  # the portal is a task group
            async with BlockingPortal() as portal:
                yield ProviderEmbedder(client, portal, base_url=provider.base_url)


def _chosen(config: RunConfig) -> tuple[str, ProviderConfig]:
    model, provider = config.embedding.model, config.providers.get(config.embedding.provider)
    problems = embedding_problems(config)
    if problems or model is None or provider is None:
        raise ConfigError(*problems)
    return model, provider
