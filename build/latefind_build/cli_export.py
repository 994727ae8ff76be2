"""``latefind export``: its options, and how they reach the exporter, whose packages are an extra."""

import argparse
import json
from pathlib import Path

from latefind_build.cli_common import Commands, add_command, positive
from latefind_build.progress import say

SCHEMES = ("int8", "int8+emb4", "int4", "int3", "fp16", "none")
"""Ways to store weights, the default first."""


def add_export(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "export",
        _export,
        "Turn a PyLate, sentence-transformers or Stanford ColBERT checkpoint into a model bundle.",
        "latefind export VAGOsolutions/SauerkrautLM-Multi-ColBERT-15m --output bundle/",
    )
    parser.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="folder of a checkpoint, or its owner/name on the hub"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the bundle")
    parser.add_argument(
        "--quantize",
        choices=SCHEMES,
        default=SCHEMES[0],
        help="how weights are stored; where that damages the model, the next of int3, int4, int8+emb4, int8, "
        "fp16 is taken (default: %(default)s)",
    )
    _add_hub_options(parser)
    _add_semantics(parser)
    _add_single_vector_options(parser)
    parser.add_argument(
        "--dev",
        type=Path,
        metavar="FILE",
        help="JSON Lines of query and passage that the export is judged on; without it, a built-in set",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def _add_hub_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit on the hub")
    parser.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="run code that comes with the checkpoint; from the hub only with --revision COMMIT",
    )


def _add_semantics(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--query-expansion",
        choices=("on", "off"),
        help="pad queries and score the padding; without it, what the checkpoint says, else measured",
    )
    parser.add_argument("--query-prefix", metavar="TOKEN", help="token before a query; empty for none")
    parser.add_argument("--document-prefix", metavar="TOKEN", help="token before a document; empty for none")
    parser.add_argument("--query-length", type=positive, metavar="N", help="most tokens of a query")
    parser.add_argument("--document-length", type=positive, metavar="N", help="most tokens of a document")
    parser.add_argument("--name", help="name of the model; without it, the checkpoint's")
    parser.add_argument("--license", help="licence of the model; without it, what its card says")
    parser.add_argument(
        "--languages", metavar="TAGS", help="BCP 47 tags, joined by commas; without it, what its card says"
    )
    parser.add_argument(
        "--card",
        type=Path,
        metavar="FILE",
        help="Markdown to be the bundle's model card; without it, one is made",
    )


def _add_single_vector_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--token-embeddings",
        action="store_true",
        help="accept a model trained for one vector a text, and use its token embeddings with MaxSim",
    )
    parser.add_argument(
        "--dimensions", type=positive, metavar="N", help="reduce embeddings to N dimensions by PCA on --text"
    )
    parser.add_argument(
        "--text",
        type=Path,
        metavar="FILE",
        help="JSON Lines, .zst or plain, of text: what --dimensions, int4 and int3 need",
    )


def _export(options: argparse.Namespace) -> None:
    from latefind_export.extra import require_export_extra

    require_export_extra()
    _run(options)


def _run(options: argparse.Namespace) -> None:
    from latefind_export.export import ExportOptions, export_checkpoint
    from latefind_export.read_checkpoint import Overrides

    expansion = options.query_expansion
    overrides = Overrides(
        query_prefix=options.query_prefix,
        document_prefix=options.document_prefix,
        query_length=options.query_length,
        document_length=options.document_length,
        expand=None if expansion is None else expansion == "on",
        name=options.name,
        license=options.license,
        languages=None if options.languages is None else tuple(filter(None, options.languages.split(","))),
        token_embeddings=options.token_embeddings,
    )
    result = export_checkpoint(
        ExportOptions(
            checkpoint=options.checkpoint,
            output=options.output,
            revision=options.revision,
            trust_remote_code=options.trust_remote_code,
            overrides=overrides,
            scheme=options.quantize,
            dev=options.dev,
            dimensions=options.dimensions,
            text=options.text,
            card=options.card,
        ),
        say,
    )
    print(json.dumps(result.to_json(), indent=1) if options.json else result.summary())
