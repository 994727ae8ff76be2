"""How torch traces a model to ONNX: the operator set, and without its chatter.

The tracer warns of every Python branch on a shape and of its own age; none of it tells the user anything
about the model, and parity with torch is measured afterwards anyway.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

OPSET = 18
"""Operator set of the graph; onnxruntime-web 1.30 and onnxruntime 1.20 both run up to 20 at least."""

LOGGERS = ("optimum", "torch.onnx", "transformers")
"""Loggers whose warnings are of no use while a graph is traced; their errors are still shown."""

MESSAGES = (
    ".*legacy TorchScript-based ONNX export.*",
    "The feature will be removed.*",
)
"""What torch's older exporter says of itself."""


@contextmanager
def quiet_tracer() -> Iterator[None]:
    """Keep the tracer's warnings back while the block runs."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        for message in MESSAGES:
            warnings.filterwarnings("ignore", message=message)
        try:
            for name in LOGGERS:
                logging.getLogger(name).setLevel(logging.ERROR)
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
