"""Writes GGUF files: heads of any kind, and whole tiny models that say what they are told to.

The tiny model is a chain: each token is a direction of its own, nothing is attended to, and the output leads
from each token to the one after it. So what it says is known, whatever it is asked.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_WORD = "▁"
"""What stands for a space in vocabularies of this kind."""
_CONTROL, _BYTE, _NORMAL, _UNKNOWN = 3, 6, 1, 2
_ALIGNMENT = 32
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if tools %}{{ tools | tojson }}\n{% endif %}assistant:"
)

Value = str | int | float | bool | Sequence[Any]


def head(values: Mapping[str, Value], tensors: int = 0, version: int = 3) -> bytes:
    """Returns the head of a file; ints are 32 bits wide, and without a sign outside of lists."""
    pairs = b"".join(_text(key) + _value(value) for key, value in values.items())
    return b"GGUF" + struct.pack("<IQQ", version, tensors, len(values)) + pairs


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    kind, data = _plain(value)
    return struct.pack("<I", kind) + data


def _plain(value: Value) -> tuple[int, bytes]:
    if isinstance(value, str):
        return 8, _text(value)
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if value and isinstance(value[0], int):  # kinds of tokens are signed
        return 9, struct.pack(f"<IQ{len(value)}i", 5, len(value), *value)
    items = [_plain(each) for each in value]
    return 9, struct.pack("<IQ", items[0][0], len(items)) + b"".join(data for _, data in items)


def write_model(path: Path, says: Sequence[str], *, ends: bool = True, template: str = TEMPLATE) -> None:
    """Writes a model that answers everything with the pieces `says`, then ends, or begins anew for ever."""
    texts = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256))]
    first = len(texts)
    texts += [each.replace(" ", _WORD) for each in says]
    texts += [f"<pad{n}>" for n in range(-len(texts) % 8)]
    width = len(texts)
    last = first + len(says) - 1
    after = {token: token + 1 for token in range(first, last)} | {last: 2 if ends else first}
    following = [after.get(token, first) for token in range(width)]
    kinds = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256, *[_NORMAL] * (width - first)]
    values: dict[str, Value] = {
        "general.architecture": "llama",
        "general.name": "Tiny chain",
        "llama.context_length": 512,
        "llama.embedding_length": width,
        "llama.block_count": 1,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 4,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": width // 4,
        "llama.vocab_size": width,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": texts,
        "tokenizer.ggml.scores": [0.0] * 3 + [-1000.0] * (width - 3),
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.chat_template": template,
    }
    tensors = _tensors(width, following)
    places, data = b"", b""
    for name, shape, content in tensors:
        places += _text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data))
        data += content + bytes(-len(content) % _ALIGNMENT)
    start = head(values, len(tensors)) + places
    path.write_bytes(start + bytes(-len(start) % _ALIGNMENT) + data)


def _tensors(width: int, following: Sequence[int]) -> list[tuple[str, tuple[int, ...], bytes]]:
    ones = struct.pack(f"<{width}f", *[1.0] * width)
    square, ffn = bytes(4 * width * width), bytes(4 * width * 32)
    same = _rows(width, {token: [token] for token in range(width)})
    before: dict[int, list[int]] = {}
    for token, then in enumerate(following):
        before.setdefault(then, []).append(token)
    return [
        ("token_embd.weight", (width, width), same),
        ("blk.0.attn_norm.weight", (width,), ones),
        *((f"blk.0.attn_{name}.weight", (width, width), square) for name in ("q", "k", "v", "output")),
        ("blk.0.ffn_norm.weight", (width,), ones),
        ("blk.0.ffn_gate.weight", (width, 32), ffn),
        ("blk.0.ffn_up.weight", (width, 32), ffn),
        ("blk.0.ffn_down.weight", (32, width), ffn),
        ("output_norm.weight", (width,), ones),
        ("output.weight", (width, width), _rows(width, before)),
    ]


def _rows(width: int, ones: Mapping[int, Sequence[int]]) -> bytes:
    """Returns a square matrix with ones in the named places of each row."""
    rows = []
    for row in range(width):
        line = [0.0] * width
        for place in ones.get(row, ()):
            line[place] = 10.0
        rows.append(struct.pack(f"<{width}f", *line))
    return b"".join(rows)
