"""Write an encoder as ONNX through optimum's exporter."""

from pathlib import Path

import onnx
from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import TextEncoderOnnxConfig
from optimum.utils import NormalizedTextConfig
from torch.onnx.errors import OnnxExporterError

from latefind.errors import ModelError
from latefind_export.encoder import LateInteractionEncoder
from latefind_export.graph_file import drop_identities, read_graph
from latefind_export.settings import INPUTS, OUTPUT
from latefind_export.tracing import OPSET, quiet_tracer

LARGEST_GRAPH = 2_000_000_000
"""Bytes of weights: a file of ONNX holds 2 GiB, and the operators need some of them. More would go into a
second file, which neither the builder nor the browser reads."""

AXES = {0: "batch", 1: "length"}
"""Axes of free size, of the inputs and of the output alike."""


class TokenEmbeddingsOnnxConfig(TextEncoderOnnxConfig):
    """Tells optimum the two inputs and the one output of :class:`LateInteractionEncoder`."""

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfig

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        """Names and free axes of the inputs."""
        return {name: dict(AXES) for name in INPUTS}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        """Name and free axes of the output."""
        return {OUTPUT: dict(AXES)}


def export_onnx(encoder: LateInteractionEncoder, path: Path) -> None:
    """Write ``encoder`` in fp32 to ``path``.

    Raises
    ------
    ModelError
        The weights do not fit into one file of ONNX, or an operation is not known to it.
    """
    size = sum(parameter.numel() * parameter.element_size() for parameter in encoder.parameters())
    if size > LARGEST_GRAPH:
        raise ModelError.expected(
            "export",
            f"a model of at most {LARGEST_GRAPH / 1e9:.1f} GB in fp32",
            f"{size / 1e9:.1f} GB",
            "A visitor could not download it: choose a smaller checkpoint.",
        )
    config = TokenEmbeddingsOnnxConfig(encoder.config, task="feature-extraction")
    try:
        with quiet_tracer():
            export(encoder, config, path, opset=OPSET)
    except OnnxExporterError as error:
        raise ModelError.expected(
            type(encoder.backbone).__name__,
            "a transformer whose every operation ONNX has",
            str(error).splitlines()[0],
            "Choose another checkpoint.",
        ) from error
    model = read_graph(path)
    drop_identities(model)
    onnx.save(model, path)
