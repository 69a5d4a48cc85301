"""Aligning the clocks of streams: by an event both have seen, by correlation, by header, by hand.

Here: verbs of the clock tool. Not here: what a clock is (`model.clock`).
"""
