"""What can be done with particles: propose, follow, correct, split, merge, measure, kinetics.

Here: verbs, each one undo step. Not here: how an edge is found (`analysis.outlines`).
"""
