"""What can be done with spectrum images: maps, sites, advice, analyses, references, interactive maps.

Here: verbs and jobs. Not here: numbers (`analysis.eels`).
"""
