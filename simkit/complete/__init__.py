"""``simkit complete``: answers any file of chat requests, once each, as fast as limits allow.

A line of the one file becomes a line of the other; nothing else is kept anywhere. Import
each thing from its module.
"""
