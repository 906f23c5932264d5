"""Functions of the user's Python files that really run, in processes of their own.

Towards a conversation such a file is one more client: it is asked with a request whose only
message is JSON, ``{"name": ..., "arguments": {...}}``, and its reply is the result as a JSON
object. So the journal, resuming and replaying know nothing of it.
"""

MODEL = "python"
"""What answers, where the model of a call is named."""
