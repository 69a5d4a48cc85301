"""What all importers share: the protocol, signals with axes and facts, array sources, units, times, errors, assembly.

Here: what turns the facts of any file into model items. Not here: one particular format. All families come in.
"""
