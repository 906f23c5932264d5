"""The version of simkit, stored with everything it makes."""

__version__ = "0.1.0"
