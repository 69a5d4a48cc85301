"""Windows that ask or list: text import, instruments, clock tool, export, doctor, preferences, jobs."""
