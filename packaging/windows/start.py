"""Where the frozen program begins."""

import sys

from tandem_em.__main__ import main

sys.exit(main())
