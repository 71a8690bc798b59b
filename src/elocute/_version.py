"""The version, in one place: packaging and every result read it from here."""

__version__ = "0.1.0"
