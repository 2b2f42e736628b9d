"""Embedding sites and their API keys."""
