"""The very weights that are chatted with, as a folder that PyTorch's world can train on.

GGUF in, Hugging Face folder out: the numbers that llama.cpp computes with, unpacked to float32.
transformers can do this as well, in some 25 s, with a tokenizer that leaves out the digit step;
this takes 8 s, and ``tests/training/test_base.py`` holds both against transformers and against our
own counts. One architecture is known: ``llama`` (SmolLM2, Llama 2 and 3, and their kin).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from chatapp.context.vocabulary import CONTROL, Vocabulary
from chatapp.engine.weights.gguf import read_header
from chatapp.engine.weights.header import Header
from chatapp.errors import TrainingError

LAYERS: Final = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""llama.cpp's names of a block's parts, and Hugging Face's."""

_OUTER: Final = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
READY: Final = "chatapp.json"
VERSION: Final = 1
"""Of the conversion; another one is made anew."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as it is on disk now."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}.") from error


def known_base(weights: Path) -> Header:
    """The header of a base that can be trained here. Raises :class:`TrainingError` if it cannot."""
    header = read_header(weights, with_vocabulary=True)
    if header.file_kind != "model":
        raise TrainingError(f"{weights} is {header.file_kind}, not a whole model.")
    if header.architecture != "llama":
        raise TrainingError(
            f"{weights.name} is of the architecture {header.architecture}: this job knows llama "
            "alone. Export for another trainer (chatapp export --formats)."
        )
    if not Vocabulary.known(header.tokenizer_model, header.tokenizer_pre, header.token_types):
        raise TrainingError(f"The tokenizer of {weights.name} is not one that this job knows.")
    if header.chat_template is None:
        raise TrainingError(f"{weights.name} has no chat template: it is no chat model.")
    return header


def hf_folder(weights: Path, sha256: str, cache: Path) -> Path:
    """The base as a Hugging Face folder below ``cache``; made once for each SHA-256.

    Float32: 4 bytes a parameter on the disk. Raises :class:`TrainingError`, and leaves nothing
    half, if it cannot be made.
    """
    folder = cache / sha256[:16]
    if _is_ready(folder, sha256):
        return folder
    header = known_base(weights)
    need = 4 * header.parameters + (64 << 20)
    partial = cache / f".partial-{sha256[:16]}-{os.getpid()}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(cache).free) < need:
            raise TrainingError(
                f"The disk of {cache} is too full: the unpacked base takes {need >> 20} MiB, and "
                f"{free >> 20} MiB are free."
            )
        partial.mkdir()
        _write(weights, header, partial)
        told = {"sha256": sha256, "conversion": VERSION, "weights": weights.name}
        (partial / READY).write_text(json.dumps(told) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        if _is_ready(folder, sha256):  # another process was quicker
            return folder
        raise TrainingError(f"The base cannot be unpacked to {cache}: {error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _is_ready(folder: Path, sha256: str) -> bool:
    try:
        told = json.loads((folder / READY).read_bytes())
    except (OSError, ValueError):
        return False
    return bool(told.get("sha256") == sha256 and told.get("conversion") == VERSION)


def _write(weights: Path, header: Header, folder: Path) -> None:
    import torch
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors.torch import save_file

    reader = GGUFReader(weights)
    heads, few = header.heads or 1, kv_heads(header)
    tensors: dict[str, Any] = {}
    for tensor in reader.tensors:
        name = _hf_name(tensor.name)
        if name is None:
            continue
        values = dequantize(tensor.data, tensor.tensor_type)
        if tensor.name.endswith(("attn_q.weight", "attn_k.weight")):
            count = heads if "attn_q" in tensor.name else few
            values = apart(values, count)
        tensors[name] = torch.from_numpy(values.copy()).float().contiguous()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = _config(header, tied="lm_head.weight" not in tensors)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    _write_tokenizer(reader, header, folder)


def apart(values: Any, heads: int) -> Any:
    """Rows of q or k (or of their ``lora_b``): llama.cpp's rotary pairs side by side → apart.

    ``values`` has one row for each output: (heads × width, n).
    """
    rows, *rest = values.shape
    return values.reshape(heads, rows // heads // 2, 2, *rest).swapaxes(1, 2).reshape(values.shape)


def together(values: Any, heads: int) -> Any:
    """The inverse of :func:`apart`."""
    rows, *rest = values.shape
    return values.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(values.shape)


def _hf_name(name: str) -> str | None:
    if name in _OUTER:
        return _OUTER[name]
    if name.startswith("rope_freqs"):
        raise TrainingError("This base stretches its positions (rope_freqs), which is not known.")
    block, number, part, kind = [*name.split("."), "", "", ""][:4]
    if block != "blk" or part not in LAYERS or kind != "weight":
        raise TrainingError(f"This base has a part that is not known here: {name[:80]!r}.")
    return f"model.layers.{number}.{LAYERS[part]}.weight"


def kv_heads(header: Header) -> int:
    value = header.metadata.get("llama.attention.head_count_kv", header.heads)
    return value if isinstance(value, int) else header.heads or 1


def _config(header: Header, *, tied: bool) -> dict[str, Any]:
    def key(name: str, default: Any = None) -> Any:
        return header.metadata.get(f"llama.{name}", default)

    scaling = key("rope.scaling.type", "none")
    if scaling != "none":
        raise TrainingError(f"This base stretches its positions ({scaling}), which is not known.")
    width = key("rope.dimension_count", (header.embedding or 0) // (header.heads or 1))
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": header.embedding,
        "intermediate_size": key("feed_forward_length"),
        "num_hidden_layers": header.blocks,
        "num_attention_heads": header.heads,
        "num_key_value_heads": kv_heads(header),
        "head_dim": width,
        "max_position_embeddings": header.trained_context,
        "rms_norm_eps": key("attention.layer_norm_rms_epsilon", 1e-5),
        "rope_theta": key("rope.freq_base", 10000.0),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": key("rope.freq_base", 10000.0),
        },
        "vocab_size": header.vocabulary_size,
        "tie_word_embeddings": tied,
        "hidden_act": "silu",
        "bos_token_id": header.bos_id,
        "eos_token_id": header.eos_id,
        "torch_dtype": "float32",
    }


def _write_tokenizer(reader: Any, header: Header, folder: Path) -> None:
    """The tokenizer as it was published, for other trainers and for the folder to be whole."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.pre_tokenizers import PreTokenizer

    field = reader.fields["tokenizer.ggml.merges"]
    pairs = (bytes(field.parts[at]).decode().partition(" ") for at in field.data)
    merges = [(left, right) for left, _, right in pairs]
    tokens = header.tokens
    bpe = models.BPE(vocab={text: n for n, text in enumerate(tokens)}, merges=merges)
    tokenizer = Tokenizer(bpe)
    if header.tokenizer_pre == "smollm":
        first: PreTokenizer = pre_tokenizers.Digits(individual_digits=True)
        own = True
    else:
        first = pre_tokenizers.Split(Regex(Vocabulary.pattern(header.tokenizer_pre)), "isolated")
        own = False
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [first, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=own)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = zip(tokens, header.token_types, strict=True)
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t, kind in kinds if kind == CONTROL]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    end = tokens[header.eos_id] if header.eos_id is not None else None
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[header.bos_id] if header.bos_id is not None else None,
        "eos_token": end,
        "pad_token": end,
        "model_max_length": header.trained_context,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "chat_template.jinja").write_text(header.chat_template or "")
