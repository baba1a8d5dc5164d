"""``python -m chatapp.proofs.report EVIDENCE.json PAGE.html``: evidence in a file, as its page."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from chatapp.errors import ChatappError
from chatapp.proofs.evidence import Evidence
from chatapp.proofs.report.files import write_page


def main(arguments: list[str]) -> int:
    """Make the page; one sentence on stderr and status 1 if that cannot be."""
    if len(arguments) != 2:
        sys.stderr.write("Name the evidence (JSON) and the page to write (HTML).\n")
        return 2
    source, target = map(Path, arguments)
    try:
        found = json.loads(source.read_bytes())["experiments"]
        evidence = [Evidence.from_dict(one) for one in found]
    except (OSError, ValueError, LookupError, TypeError) as error:
        sys.stderr.write(f"{source} is not evidence that can be read: {error}.\n")
        return 1
    try:
        made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
        write_page(target, evidence, made=made)
    except ChatappError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
