"""Benchmarks of what is seen: start-up, curves, image stack, EELS drag. Each has `run(quick) -> list[Figure]`."""
