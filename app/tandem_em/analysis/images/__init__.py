"""Numbers from whole images: layers along a line, registration of two images, electron dose.

Here: single frames or sums. Not here: particles (`outlines`), drift of movies (`drift`).
"""
