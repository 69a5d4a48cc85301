"""Frames and samples that any program sends over ZeroMQ: source, message format, sender.

Here: TandEM's own documented message. Not here: other makers' messages. The registry and replay come in.
"""
