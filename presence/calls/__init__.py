"""Calls: rooms and who may enter them, ringing, signalling, TURN."""
