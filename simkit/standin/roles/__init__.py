"""What the stand-in's scripted models do, one role a file.

Each is a pure function of the request and a random stream drawn from it. They understand
the project's own prompts by the data in their tags and the dialogue by the phrases of
`language`; they remember nothing between requests.
"""
