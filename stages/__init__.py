"""The pipeline's scripts, one a DVC stage."""

import sys

from medcnn.runtime.console import exit_on_signals

# So Python names what it runs while it looks for ``-m stages.<name>``: a test that imports a stage is no such run.
if sys.argv[0] == "-m":
    exit_on_signals()
