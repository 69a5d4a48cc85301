"""A beam session: set-up, instruments, recorder, guardian, following what is filmed, replay.

Here: who records what, and where it goes. Not here: instruments (sources), writing (storage).
"""
