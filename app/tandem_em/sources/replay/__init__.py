"""A recorded session as live sources: its clock, its streams, over the wire.

Here: pace and order of what was recorded. Not here: opening the session (desk).
"""
