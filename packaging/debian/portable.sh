#!/bin/sh
# TandEM from the folder this lies in. Needs the system libraries of Qt (README, Installing).
here=$(dirname "$(readlink -f "$0")")
unset PYTHONHOME PYTHONSTARTUP
PYTHONPATH=$here/lib PYTHONNOUSERSITE=1 exec "$here/python/bin/python3.11" -m tandem_em "$@"
