"""What can be done with whole stacks: drift, calibration, regions, dose, layers, previews.

Here: verbs and jobs. Not here: particles (`desk.outlines`).
"""
