"""Looking a finished session file through, and repairing a damaged one.

Here: integrity, streams, repair. Not here: findings about the science in it (`desk.diagnostics`). The desk comes in.
"""
