"""Finding the right limits: virtual time, rehearsals of saved runs, live probes and plans."""
