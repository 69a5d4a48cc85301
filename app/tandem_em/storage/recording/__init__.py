"""Streams that are still being recorded: bounded queues to the storage thread, committed as they come.

Here: how a recorded stream begins, grows and ends in the file. Not here: instruments (sources), who records (desk).
"""
