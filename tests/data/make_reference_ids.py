"""Makes ``reference_ids.json.gz``: token ids by the model's published template and tokenizer.

Independent of chatapp: the template is rendered by Hugging Face transformers, the text tokenized
by Hugging Face tokenizers, set up as the model's published ``tokenizer.json`` is (single digits,
then byte-level BPE), with vocabulary and merges read from the weight file by the ``gguf`` package.
(The tokenizer that transformers itself makes of a GGUF file differs on odd text: it leaves the
digit step out.)

    pip install transformers==5.23.0 gguf==0.19.0
    python tests/data/make_reference_ids.py models/SmolLM2-135M-Instruct.Q4_1.gguf
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path
from typing import Any

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers.utils.chat_template_utils import render_jinja_template

OUT = Path(__file__).with_name("reference_ids.json.gz")

WORDS = (
    "the of and capital Turkey Ankara don't I'll we've she'd it's I'm you're café naïve Straße "
    "Привет мир こんにちは 世界 안녕 שלום مرحبا हिन्दी ไทย Ελληνικά 你好，世界 🙂 👩‍👩‍👧‍👦 🇹🇷 e\u0301 ½ ² ³ Ⅷ ٣ "
    "123 4567890 3.14 1,000,000 v2.0 0x1F def return{} if(x==1): <b> &amp; http://example.org/a?b=c "
    "<|im_sta <|endof| im_start|> \u200b \ufeff \u2028 \xa0 \u3000 \x00 \x01 \x07 \x1b[31m \x7f \r \t"
).split(" ")
SPACES = [" ", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", " \n ", "", "\r\n", "    "]


def text(rng: random.Random) -> str:
    """A text of 0 to 40 odd words, joined by odd spaces."""
    parts: list[str] = []
    for _ in range(rng.choice([0, 1, 2, 5, 12, 40])):
        parts += [rng.choice(WORDS), rng.choice(SPACES)]
    if rng.random() < 0.2:
        parts.insert(0, rng.choice(["\n", " ", "\n\n", "  "]))
    return "".join(parts)


def conversation(rng: random.Random) -> list[dict[str, str]]:
    """One to six messages, sometimes with a system prompt; the last one is a person's."""
    messages = [{"role": "system", "content": text(rng)}] if rng.random() < 0.3 else []
    for _ in range(rng.randrange(3)):
        messages.append({"role": "user", "content": text(rng)})
        messages.append({"role": "assistant", "content": text(rng)})
    return [*messages, {"role": "user", "content": text(rng)}]


def published_tokenizer(reader: Any) -> Tokenizer:
    """The published tokenizer, rebuilt from the vocabulary in the weight file."""
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(m.split(" ")) for m in reader.fields["tokenizer.ggml.merges"].contents()]
    types = reader.fields["tokenizer.ggml.token_type"].contents()
    bpe = models.BPE(vocab={text: n for n, text in enumerate(tokens)}, merges=merges)
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = [text for text, kind in zip(tokens, types, strict=True) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in control])
    return tokenizer


def main() -> None:
    reader = GGUFReader(sys.argv[1])
    tokenizer = published_tokenizer(reader)
    template = reader.fields["tokenizer.chat_template"].contents()
    rng = random.Random(20261121)
    rows = []
    while len(rows) < 200:
        messages = conversation(rng)
        rendered = render_jinja_template(
            [messages], chat_template=template, add_generation_prompt=True
        )[0][0]
        rows.append(
            {"messages": messages, "ids": tokenizer.encode(rendered, add_special_tokens=False).ids}
        )
    data = json.dumps(rows, ensure_ascii=True, separators=(",", ":")).encode()
    OUT.write_bytes(gzip.compress(data, mtime=0))
    print(
        f"{len(rows)} conversations, {sum(len(row['ids']) for row in rows):,} tokens → {OUT.name}"
    )


if __name__ == "__main__":
    main()
