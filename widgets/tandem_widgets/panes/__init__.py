"""The three panes: biasing lanes, image stack, EELS maps. Each shows the session and turns gestures into desk verbs.

Panes never talk to each other: what they share is the focus and the session.
"""
