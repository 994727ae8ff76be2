"""The ``latefind`` command: one verb a job. Results on stdout, progress on stderr; exit codes 0, 1, 2."""

import argparse
import json
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import latefind
from latefind.errors import LatefindError, UsageError
from latefind_build.cli_ask import add_eval, add_search
from latefind_build.cli_common import Commands, add_command, positive
from latefind_build.cli_export import add_export
from latefind_build.progress import say
from latefind_build.settings import BYTES, DEFAULT_BYTES, DEFAULT_POOL, POOLS, TIERS

if TYPE_CHECKING:
    from latefind.manifest import Manifest
    from latefind_build.config import Config
    from latefind_build.index import IndexOptions

AUTO = "auto"

# What a command needs is imported in the command: `latefind --help` need not wait for onnxruntime.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = make_parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        # A polite kill ends like Ctrl-C does: temporary folders go.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        options.run(options)
    except LatefindError as error:
        if options.debug:
            traceback.print_exc()
        say(f"latefind: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("latefind: interrupted; nothing was changed.")
        return 130
    except BrokenPipeError:
        # The reader (head, say) has gone: keep the interpreter from complaining about it at exit.
        sys.stderr.close()
        return 0
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line; ``docs/cli.md`` is generated from it."""
    parser = argparse.ArgumentParser(
        prog="latefind",
        description="Semantic search for static sites, entirely in the visitor's browser.",
        epilog="Add search to a built site: latefind build public/",
    )
    parser.add_argument("--version", action="version", version=f"latefind {latefind.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_build(commands)
    _add_site(commands)
    add_export(commands)
    add_search(commands)
    add_eval(commands)
    _add_serve(commands)
    _add_inspect(commands)
    return parser


def _add_index_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="DIR", help="model bundle; without it, the one we ship")
    parser.add_argument("--config", type=Path, metavar="FILE", help="latefind.toml; options here win over it")
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="encoder threads; without it, one a processor"
    )
    parser.add_argument(
        "--bytes",
        type=_number_or_auto,
        choices=[*BYTES, AUTO],
        metavar="N",
        help="bytes of a stored vector: 18 or 34; auto measures, on the site's headings "
        f"(default: {DEFAULT_BYTES})",
    )
    parser.add_argument(
        "--pool",
        type=_number_or_auto,
        choices=[*POOLS, AUTO],
        metavar="N",
        help=f"tokens that share a vector: 1 (off) to 4; auto measures (default: {DEFAULT_POOL})",
    )
    parser.add_argument(
        "--tier",
        choices=TIERS,
        default=AUTO,
        metavar="TIER",
        help="small: one file, scanned whole; large: shards on demand (default: %(default)s, by size)",
    )
    cache = parser.add_mutually_exclusive_group()
    cache.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder of the embeddings cache; without it, the user's"
    )
    cache.add_argument(
        "--no-cache", action="store_true", help="encode everything, and remember nothing for the next build"
    )
    parser.add_argument("--json", action="store_true", help="print counts and sizes as JSON")


def _add_pwa_option(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--pwa",
        action=argparse.BooleanOptionalAction,
        help=f"let visitors keep the site offline, by a service worker at its root (default: {default})",
    )


def _add_precompress_option(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--precompress",
        action="store_true",
        help=f"write .br and .gz siblings of {what}, for hosts that hand those out",
    )


def _index_options(options: argparse.Namespace, config: "Config") -> "IndexOptions":
    from latefind_build.cache import default_folder
    from latefind_build.encode import default_jobs
    from latefind_build.index import IndexOptions

    def settle(option: int | str | None, configured: int | str | None, default: int) -> int | None:
        value = option or configured or default
        return None if isinstance(value, str) else value

    return IndexOptions(
        jobs=options.jobs or config.jobs or default_jobs(),
        vector_bytes=settle(options.bytes, config.bytes, DEFAULT_BYTES),
        pool=settle(options.pool, config.pool, DEFAULT_POOL),
        tier=options.tier,
        cache=None if options.no_cache else options.cache or default_folder(),
    )


def _number_or_auto(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _port(text: str) -> int:
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return value


def _add_build(commands: Commands) -> None:
    parser = add_command(
        commands,
        "build",
        _build,
        "Add search to a built static site, or make an index of records.",
        "latefind build public/ --base-url /docs/",
    )
    parser.add_argument("site_dir", type=Path, nargs="?", metavar="SITE_DIR", help="folder of the built site")
    parser.add_argument("--records", type=Path, metavar="FILE", help="index JSON Lines records instead")
    parser.add_argument("--output", type=Path, metavar="DIR", help="with --records: folder of the bundle")
    parser.add_argument(
        "--base-url",
        metavar="URL",
        help="where the site's root is served, as in /docs/; without it, links are relative to the bundle",
    )
    parser.add_argument(
        "--output-subdir", metavar="NAME", help="folder below SITE_DIR for the bundle; without it, latefind"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="pages to leave out; may be repeated"
    )
    _add_pwa_option(parser, "off")
    _add_precompress_option(parser, "the bundle's files")
    _add_index_options(parser)


def _build(options: argparse.Namespace) -> None:
    from latefind_build.assemble import build_bundle, target_below
    from latefind_build.bundle import open_bundle
    from latefind_build.config import load_config
    from latefind_build.crawl import CrawlOptions
    from latefind_build.passage_source import read_record_file, read_site

    if (options.site_dir is None) == (options.records is None):
        raise UsageError.expected(
            "latefind build", "either SITE_DIR or --records", "both" if options.site_dir else "neither"
        )
    start = time.monotonic()
    config = load_config(options.config)
    bundle = open_bundle(options.model or config.model)
    if options.records is not None:
        if options.output is None:
            raise UsageError.expected("--output", "a folder for the bundle of --records", "nothing")
        source, target = read_record_file(options.records), options.output.resolve()
    else:
        if options.output is not None:
            raise UsageError.expected("--output", "no value without --records", str(options.output))
        subdir = options.output_subdir or config.output_subdir
        excluded = (*config.exclude, *options.exclude)
        source = read_site(options.site_dir, CrawlOptions(output_subdir=subdir, exclude=excluded, warn=say))
        target = target_below(options.site_dir, subdir)
    base = options.base_url or config.base_url or _relative_base(options, config.output_subdir)
    complete = _completion(options, config, target)
    manifest = build_bundle(
        source, target, bundle, base, _index_options(options, config), complete, stored=options.precompress
    )
    _report_build(manifest, target, time.monotonic() - start, options.json)


def _completion(options: argparse.Namespace, config: "Config", target: Path) -> Callable[[Path], None]:
    """Return what is done with the temporary folder when everything else is in it."""
    from latefind_build.pwa import add_offline

    pwa = bool(config.pwa if options.pwa is None else options.pwa)
    if pwa and options.site_dir is None:
        raise UsageError.expected("--pwa", "a site", "records", "Build a site, or leave it out.")

    def complete(work: Path) -> None:
        if pwa:
            site = options.site_dir.resolve()
            add_offline(work, site, target.relative_to(site).as_posix(), config.offline_pages)
        if options.precompress:
            _precompress(work)  # After the list of an offline copy, which names the files themselves.

    return complete


def _precompress(folder: Path) -> None:
    from latefind_build.precompress import precompress

    say("compressing")
    say(f"{precompress(folder)} compressed files")


def _relative_base(options: argparse.Namespace, configured: str) -> str:
    """Return the way from the bundle to the site's root; records' relative URLs start at the bundle."""
    if options.site_dir is None:
        return "./"
    subdir = options.output_subdir or configured
    return "../" * len(Path(subdir.strip("/")).parts)


def _report_build(manifest: "Manifest", target: Path, seconds: float, as_json: bool) -> None:
    size = sum(part.size for part in manifest.parts)
    if as_json:
        report = {**manifest.counts, "bytes": size, "seconds": round(seconds, 1), "output": str(target)}
        print(json.dumps(report))
        return
    counted = ", ".join(f"{count:,} {name}" for name, count in manifest.counts.items() if count)
    print(f"{target}: {counted}; {size / 1e6:.1f} MB in {seconds:.0f} s")


def _add_site(commands: Commands) -> None:
    parser = add_command(
        commands,
        "site",
        _site,
        "Render a folder of Markdown as a complete, searchable static site.",
        "latefind site docs/ --output public/",
    )
    parser.add_argument("content_dir", type=Path, metavar="CONTENT_DIR", help="folder with Markdown pages")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the site")
    _add_pwa_option(parser, "on")
    _add_precompress_option(parser, "all files of the site")
    _add_index_options(parser)


def _site(options: argparse.Namespace) -> None:
    from latefind_build.assemble import MARKER, build_bundle, edition_name, target_below
    from latefind_build.bundle import open_bundle
    from latefind_build.config import load_config
    from latefind_build.crawl import CrawlOptions
    from latefind_build.passage_source import read_site
    from latefind_build.pwa import add_offline
    from latefind_build.site import build_site, name_edition

    start = time.monotonic()
    config = load_config(options.config)
    bundle = open_bundle(options.model or config.model)
    crawl = CrawlOptions(output_subdir=config.output_subdir, exclude=config.exclude, warn=say)
    base = config.base_url or "../" * len(Path(config.output_subdir).parts)
    wanted = _index_options(options, config)
    pwa = options.pwa if options.pwa is not None else config.pwa is not False
    config = replace(config, pwa=pwa)
    manifests = []

    def index(staging: Path) -> None:
        target = target_below(staging, config.output_subdir)

        def complete(work: Path) -> None:
            name_edition(staging, edition_name((work / MARKER).read_bytes()))
            if pwa:  # After that: the list of an offline copy has the hashes of the pages.
                add_offline(work, staging, config.output_subdir, config.offline_pages)

        source = read_site(staging, crawl)
        stored = options.precompress
        manifests.append(build_bundle(source, target, bundle, base, wanted, complete, stored=stored))
        if options.precompress:
            _precompress(staging)

    build_site(options.content_dir, options.output, config, before_publish=index)
    _report_build(manifests[0], options.output, time.monotonic() - start, options.json)


def _add_serve(commands: Commands) -> None:
    parser = add_command(
        commands,
        "serve",
        _serve,
        "Serve a site with the headers that a real host should send.",
        "latefind serve public/ --port 8000",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="folder to serve")
    parser.add_argument(
        "--port", type=_port, default=8000, metavar="PORT", help="port on the host (default: %(default)s)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="HOST", help="address to listen on (default: %(default)s)"
    )


def _serve(options: argparse.Namespace) -> None:
    from latefind_build.serve import serve

    serve(options.directory, options.port, options.host)


def _add_inspect(commands: Commands) -> None:
    parser = add_command(
        commands,
        "inspect",
        _inspect,
        "Say what is in an index, and what a visitor downloads.",
        "latefind inspect public/",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="a built site, or its latefind folder")
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _inspect(options: argparse.Namespace) -> None:
    from latefind_build.inspect_index import describe_index, format_description

    description = describe_index(options.directory)
    print(json.dumps(description, indent=1) if options.json else format_description(description))


if __name__ == "__main__":
    sys.exit(main())
