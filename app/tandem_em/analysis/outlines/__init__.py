"""Outlines of particles: proposed from a click, followed through a movie, measured, with a confidence for each frame.

Here: one frame or one movie as arrays. Not here: particles of a session and their history (`desk.outlines`).
"""
