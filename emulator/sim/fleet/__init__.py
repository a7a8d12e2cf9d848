"""Runs on AS graphs: a fleet of speakers hosted, its timeline played, and what it did recorded."""
