"""The demo experiment: built by simulation, analysed like a real one, its truth kept beside.

Here: putting it together. Not here: the physics (simulation).
"""
