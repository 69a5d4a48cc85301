"""What each lane over time shows: one file for each kind of lane, from the session to named series in base units.

Here: sources of lanes, their registry, what a run's lanes are computed from. Not here: painting and pyramids (window),
axes and thinning (exporters). Who wants a lane asks `shown`; who adds one writes a `LaneSource` and registers it.
"""
