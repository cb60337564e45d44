"""The parser: a child of the knowledge worker. `python -m holdfast.core.knowledge.parsing.main`

It reads one document after the other and may die at any of them: what a document does to it, it does to no
one else. `wire.py` says what goes through its pipes, `limits.py` what it may take.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from typing import BinaryIO

from holdfast.core.domain.errors import HoldfastError
from holdfast.core.knowledge.parsing.documents import read_document
from holdfast.core.knowledge.parsing.limits import MEMORY, apply_limits, end_after, end_with_parent
from holdfast.core.knowledge.parsing.wire import TAKEN, Order, decode_order, encode_failure, encode_parsed

GRACE_S = 10.0
"""Seconds beyond its time limit after which a parser ends itself."""


def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Reads the documents that are asked for until nobody asks any more."""
    for line in orders:
        order = decode_order(line)
        answers.write(TAKEN)
        answers.flush()
        end_after(order.timeout_s + GRACE_S)
        head, text = _answer(order)
        end_after(0)
        answers.write(head)
        answers.write(text)
        answers.flush()


def _answer(order: Order) -> tuple[bytes, bytes]:
    try:
        parsed = read_document(
            order.path,
            order.name,
            max_bytes=order.max_bytes,
            chunking=order.chunking,
            media_type=order.media_type,
        )
    except HoldfastError as error:
        return encode_failure(error)
    return encode_parsed(parsed)


def main() -> None:
    """Serves standard input. What libraries print goes to standard error: standard output is for answers."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    apply_limits(int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY)
    orders = os.fdopen(os.dup(0), "rb")
    end_with_parent(orders.fileno())
    serve(orders, answers)


if __name__ == "__main__":
    main()
