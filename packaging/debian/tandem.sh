#!/bin/sh
# TandEM with its own packages; nothing of the user's Python is seen.
PYTHONPATH=/opt/tandem-em/lib exec /usr/bin/python3 -s -m tandem_em "$@"
