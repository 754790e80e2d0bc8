"""`python -m tanji` is the `tanji` command."""

from __future__ import annotations

import sys

from tanji.cli.main import main

sys.exit(main())
