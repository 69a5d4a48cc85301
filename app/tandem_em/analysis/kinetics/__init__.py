"""Laws of growth fitted to area against time, compared by AIC.

Here: models and fits. Not here: which particle and stretch (`desk.outlines.kinetics`).
"""
