"""Token embeddings by native onnxruntime: passages for the builder, queries for native search.

Every passage is a run of its own, on one thread, without padding; passages run side by side on as many
threads as there are jobs. Dynamic quantisation scales activations per tensor, so in a batch an embedding
would depend on its batch mates; alone it depends on its text only. That makes an index the same whatever
``--jobs``, and lets a visitor's query, which is also encoded alone, meet embeddings made the same way.
``docs/design.md`` has the measured throughput of both.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from latefind.errors import ModelError
from latefind.model import TokenPlan

OUTPUT = "token_embeddings"
QUEUED_PER_JOB = 8
"""Plans handed to the threads ahead of the consumer: enough to keep them busy, little enough to hold."""


def default_jobs() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Encoder:
    """An encoder session; safe to use from several threads."""

    def __init__(self, onnx: Path | bytes, where: str = "") -> None:
        """Load a graph: a file, or its bytes, which ``where`` names in errors."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its C++ module, which share no base
            where = where or str(onnx)
            raise ModelError.expected(where, "an ONNX model", str(error), "Export it again.") from error

    def encode(self, plan: TokenPlan) -> npt.NDArray[np.float32]:
        """Return a text's scored token embeddings: float32 (scored tokens, dimensions), unit length."""
        feed = {"input_ids": plan.ids[None], "attention_mask": plan.mask[None]}
        output = self._session.run([OUTPUT], feed)[0][0]
        return np.ascontiguousarray(output[plan.scored], np.float32)

    def encode_all(self, plans: Iterable[TokenPlan], jobs: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the embeddings of each plan, in order, from ``jobs`` threads."""
        with ThreadPoolExecutor(jobs) as pool:
            waiting: deque[Future[npt.NDArray[np.float32]]] = deque()
            try:
                for plan in plans:
                    waiting.append(pool.submit(self.encode, plan))
                    if len(waiting) > jobs * QUEUED_PER_JOB:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
