"""How good the filters are: asked about material of which the mistakes are known."""
