#!/bin/sh
# TandEM with its own Python and its own packages; nothing of the user's Python is seen.
unset PYTHONHOME PYTHONSTARTUP
PYTHONPATH=/opt/tandem-em/lib PYTHONNOUSERSITE=1 exec /opt/tandem-em/python/bin/python3.11 -m tandem_em "$@"
