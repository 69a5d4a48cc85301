"""Merlin detectors: source, wire format, simulator.

Here: everything about this detector. Not here: what any source does (`core`). The registry comes in.
"""
