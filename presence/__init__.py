"""Self-hosted presence marketing: be there for customers on the web."""

__version__ = "0.1.0"
