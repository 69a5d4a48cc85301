"""The drift of a movie, finished or growing: spectra of frames, shifts, jumps.

Here: shifts in pixels. Not here: taking them off on view (the window), storing them (desk).
"""
