"""DECTRIS detectors: source, wire formats 1 and 2, simulator.

Here: everything about these detectors. Not here: what any source does (`core`). The registry comes in.
"""
