"""What is doubtful about an element map: overlaps with edges and plasmons, windows, thickness, saturation.

Here: findings with their reasons. Not here: showing or storing them. The desk comes in.
"""
