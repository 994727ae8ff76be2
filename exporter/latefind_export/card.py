"""The model card: where the model comes from, how the bundle was made, how exact it is."""

import string
from collections.abc import Mapping
from importlib import resources
from typing import Any


def render_card(report: Mapping[str, Any]) -> str:
    """Fill the figures of one export into ``minilm_card.md``."""
    template = resources.files("latefind_export").joinpath("minilm_card.md").read_text(encoding="utf-8")
    return string.Template(template).substitute(
        passages=f"{report['passages']:,}",
        tokens=f"{report['tokens']:,}",
        energy=f"{100 * report['energy']:.1f}",
        megabytes=f"{report['size'] / 1e6:.1f}",
        checked=f"{report['int8']['tokens']:,}",
        **{
            f"{name}_{field}": f"{report[name][field]:.4f}"
            for name in ("fp32", "int8")
            for field in ("mean", "percentile_1", "lowest")
        },
    )
