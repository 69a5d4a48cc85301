"""Charge, half cycles, plateaus, GITT, dQ/dV, the cell's numbers, and what looks wrong in a run.

Here: V, I and t as arrays. Not here: runs of a session (`desk.biasing`).
"""
