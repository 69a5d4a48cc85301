"""Small things every widget may need: theme, icons, bridge to the GUI thread, refresher, fields for numbers.

Here: no session, no picture, no plot. Everybody in the window comes in.
"""
