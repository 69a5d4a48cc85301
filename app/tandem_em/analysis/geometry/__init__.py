"""Polygons and lines in the plane: areas, crossings, resampling, masks, profiles along a line.

Here: shapes without images of particles. Not here: finding or following an edge (`outlines`). All of analysis comes in.
"""
