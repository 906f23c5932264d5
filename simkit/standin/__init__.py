"""The stand-in provider: an OpenAI-compatible server on loopback whose models play by rule.

It checks requests as strictly as hosted APIs do and can enforce rate limits, latency and
faults. What it writes exercises the machinery; it is never training data.
"""
