"""``python -m chatapp.training``: the job, as a launcher starts it."""

import sys

from chatapp.training.main import main

sys.exit(main())
