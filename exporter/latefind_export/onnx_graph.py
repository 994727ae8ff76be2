"""Write an encoder as ONNX through optimum's exporter."""

from pathlib import Path

from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import TextEncoderOnnxConfig
from optimum.utils import NormalizedTextConfig

from latefind_export.encoder import LateInteractionEncoder
from latefind_export.settings import INPUTS, OUTPUT

OPSET = 18
"""Operator set of the graph; onnxruntime-web 1.30 and onnxruntime 1.20 both run up to 20 at least."""

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
    """Write ``encoder`` in fp32 to ``path``."""
    config = TokenEmbeddingsOnnxConfig(encoder.config, task="feature-extraction")
    export(encoder, config, path, opset=OPSET)
