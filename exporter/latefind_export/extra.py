"""Import the packages of the ``export`` extra with a message that says what to install.

They weigh a gigabyte, so neither the builder nor the browser depends on them.
"""

import importlib
import importlib.util

from latefind.errors import LatefindError

PACKAGES = (
    "torch",
    "transformers",
    "optimum.exporters.onnx",
    "optimum.onnxruntime",
    "onnx",
    "safetensors",
    "huggingface_hub",
    "brotli",
    "yaml",
    "zstandard",
)
"""Modules that an export imports, in the order in which a missing one is reported."""


def require_export_extra() -> None:
    """Check that the ``export`` extra is installed.

    Raises
    ------
    LatefindError
        One of its packages cannot be imported; the message says what to install.
    """
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise LatefindError.expected(
                "export",
                f"the module {name}",
                str(error),
                "Install the exporter's packages with: pip install 'latefind[export]'",
            ) from error
