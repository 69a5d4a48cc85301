"""What every live source shares: the interface, threads and queues, time stamps, set-up file, sockets, checked messages.

Here: nothing about one instrument. Each source has a folder beside this one.
"""
