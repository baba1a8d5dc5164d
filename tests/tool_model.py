"""A model whose template has a place for tools: the default weights under another template."""

from __future__ import annotations

import struct
from pathlib import Path

from chatapp.engine.weights.gguf import read_header

TEMPLATE = (
    "{%- if tools %}<|im_start|>system{{ '\n' }}"
    "{%- if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\n\n' }}{% endif %}"
    "You may call a tool. The tools, one a line:\n"
    "{%- for tool in tools %}{{ '\n' }}{{ tool['function'] | tojson }}{% endfor %}\n\n"
    'To call one, write: <tool_call>{"name": its name, "arguments": {…}}</tool_call>'
    "<|im_end|>{{ '\n' }}"
    "{%- elif messages[0]['role'] == 'system' %}"
    "<|im_start|>system\n{{ messages[0]['content'] }}<|im_end|>\n{% endif %}"
    "{%- for message in messages if message['role'] != 'system' %}"
    "{%- if message['role'] == 'tool' %}<|im_start|>user\n"
    "<tool_response>{{ message['content'] }}</tool_response><|im_end|>{{ '\n' }}"
    "{%- else %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endif %}"
    "{%- endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""In the manner of Hermes' and Qwen's; a result stands in a user's turn, as there."""


def with_template(weights: Path, made: Path, template: str = TEMPLATE) -> Path:
    """Copy a weight file with another chat template in it; the weights are the same bytes."""
    own = (read_header(weights).chat_template or "").encode()
    new = template.encode()
    # A comment fills up, so that what follows stays at its place in blocks of 32 bytes.
    new += b"{#" + b" " * ((len(own) - len(new) - 4) % 32) + b"#}"
    data = weights.read_bytes()
    old = struct.pack("<Q", len(own)) + own
    assert data.count(old) == 1
    made.write_bytes(data.replace(old, struct.pack("<Q", len(new)) + new))
    return made
