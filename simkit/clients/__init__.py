"""Clients of hosted models: one that speaks HTTP, and wrappers that look just like it.

They are stacked as ``Journaled(Retrying(Limited(OpenAIChat(...))))``. Import each from its
module: `OpenAIChat` brings aiohttp with it, which the others do not need.
"""
