"""Plots of x against y and of spectra: axes, lines, intervals, copies.

Here: plain numbers. Not here: what they mean.
"""
