"""Where something was measured, and how a sceptic checks that the weights are the same."""

from __future__ import annotations

import shlex

from chatapp.proofs.evidence import Setting
from chatapp.proofs.report.text import cell, escaped, words


def as_setting(setting: Setting) -> str:
    """What the result depends on, folded away, with the way to check the weight file."""
    known = {
        "weight file": setting.weights,
        "SHA-256": setting.sha256,
        "bytes": setting.bytes,
        "chatapp": setting.chatapp,
        "llama.cpp": setting.llama_cpp or None,
        "processor": setting.processor or None,
        "system": setting.system or None,
        "Python": setting.python or None,
        **{name: "not set" if value is None else value for name, value in setting.options.items()},
    }
    rows = "".join(
        f"<div><dt>{words(name)}</dt><dd>{cell(value)}</dd></div>" for name, value in known.items()
    )
    return (
        "<details><summary>Where it was measured, and how to check the weights</summary>"
        f'<dl class="setting">{rows}</dl>{_check(setting)}</details>\n'
    )


def _check(setting: Setting) -> str:
    file = shlex.quote(setting.weights)
    return (
        "<p>To check that your weight file is the same one, hash it with a program that is not "
        f'ours:</p><pre class="command" tabindex="0"><code>{escaped(f"sha256sum {file}")}'
        f"</code></pre><p>It prints <code>{escaped(setting.sha256)}</code>, or it is another file. "
        "On macOS the program is <code>shasum -a 256</code>; on Windows it is "
        "<code>certutil -hashfile</code>, with <code>SHA256</code> after the file.</p>"
    )
