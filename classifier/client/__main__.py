"""`python -m classifier.client --help`."""

import sys

from classifier.client.command.run import main

sys.exit(main())
