"""The transformers that a bundle can be made of: encoders whose every token sees all others.

``config.json`` says which one it is. What transformers would load silently in another way than the
checkpoint was trained is refused here.
"""

from collections.abc import Mapping
from pathlib import Path

from latefind.errors import ModelError
from latefind_export.layout_files import Config

ENCODERS = (
    "bert",
    "camembert",
    "distilbert",
    "electra",
    "modernbert",
    "mpnet",
    "roberta",
    "xlm-roberta",
)
"""``model_type`` of the transformers that are exported and tested."""

CHOOSE = "Choose another checkpoint."

OFFSET_POSITIONS = ("camembert", "mpnet", "roberta", "xlm-roberta")
"""Transformers whose positions start behind the padding's id, which are therefore that many fewer."""

MODERNBERT_THETAS = {
    "full_attention": ("global_rope_theta", 160_000.0),
    "sliding_attention": ("local_rope_theta", 10_000.0),
}
"""Transformers 5 writes ``rope_parameters`` by kind of layer; transformers 4 has these keys and defaults."""


def check_encoder(folder: Path, config: Config) -> None:
    """Check that the transformer is one that a bundle can be made of.

    Raises
    ------
    ModelError
        It is a decoder, an adapter, or of a type that is not supported; the message names it.
    """
    if (folder / "adapter_config.json").is_file():
        raise ModelError.expected(
            folder,
            "a whole model",
            "an adapter",
            "Merge it into its base model and save that one.",
        )
    kind = config.text("model_type")
    if config.raw("auto_map"):
        return  # the user trusts the checkpoint's own code, which says what it is
    if kind is None:
        config.fail("model_type", f"one of {', '.join(ENCODERS)}")
    if config.flag("is_decoder") or config.flag("is_encoder_decoder"):
        raise ModelError.expected(config.where, "an encoder", f"a decoder ({kind})", CHOOSE)
    if kind not in ENCODERS:
        config.fail("model_type", f"an encoder among {', '.join(ENCODERS)}", CHOOSE)
    if kind == "modernbert":
        _check_modernbert(config)


def hidden_width(config: Config) -> int:
    """Return how wide the hidden states are, as ``config.json`` says."""
    width = config.integer("hidden_size") or config.integer("dim")
    if width is None:
        config.fail("hidden_size", "an integer from 1")
    return width


def longest_input(config: Mapping[str, object]) -> int | None:
    """Return how many tokens the transformer has positions for, None where it does not say.

    ``config`` has all fields, defaults filled in.
    """
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return None
    padding = config.get("pad_token_id")
    if config.get("model_type") in OFFSET_POSITIONS:
        # MPNet's is fixed, whatever its configuration says.
        offset = padding if isinstance(padding, int) and config["model_type"] != "mpnet" else 1
        return positions - offset - 1
    return positions


def _check_modernbert(config: Config) -> None:
    rope = config.child("rope_parameters")
    if rope is None:
        return
    for layers, (key, default) in MODERNBERT_THETAS.items():
        given = rope.child(layers) or Config({}, rope.where)
        read = config.raw(key) if key in config else default
        theta = given.raw("rope_theta")
        if (theta is not None and theta != read) or given.text("rope_type") not in (None, "default"):
            rope.fail(
                layers,
                f"the key {key} with the same number",
                f"Add {key!r} to config.json: the transformers version in use reads that key.",
            )
