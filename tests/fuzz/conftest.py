"""Longer runs with fresh seeds, not part of a plain `pytest`: `pytest tests/fuzz --hypothesis-profile=fuzz`."""
