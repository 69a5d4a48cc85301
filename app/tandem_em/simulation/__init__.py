"""Experiments made by physics, each with its truth: movies, spectrum images, bias logs.

Here: generated data for the demo, simulators, tests and benchmarks. Not here: anything shown as measured.
"""
