"""The words everyone speaks - records, model calls, events - and what is kept of a run."""
