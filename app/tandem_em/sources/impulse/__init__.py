"""DENSsolutions Impulse: source and simulator.

Here: everything about this program. Not here: what any source does (`core`). The registry comes in.
"""
