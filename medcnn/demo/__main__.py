"""``python -m medcnn.demo make`` and ``python -m medcnn.demo serve``, which `make demo` and `make serve` call."""

from __future__ import annotations

import argparse

from medcnn.demo import serving
from medcnn.runtime.console import one_line_errors


def main() -> None:
    """Read the command line and do what it asks; user errors become one line."""
    options = _parser().parse_args()
    with one_line_errors():
        options.command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m medcnn.demo", description="Try the exported models in a browser.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    make = commands.add_parser("make", help="gather onnxruntime-web, the exported models and their cards")
    make.set_defaults(command=_make)
    serve = commands.add_parser("serve", help="serve the report and the demo to this machine alone")
    serve.add_argument("--port", type=_port, default=8000, help="default: 8000; 0 takes any that is free")
    serve.set_defaults(command=_serve)
    return parser


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 1 << 16:
        raise ValueError
    return number


def _make(_: argparse.Namespace) -> None:
    from medcnn.demo import gathering
    from medcnn.params import whole
    from medcnn.runtime import paths

    gathering.gather(whole.load())
    print(f"demo: {paths.DEMO}; `make serve` shows it")


def _serve(options: argparse.Namespace) -> None:
    serving.serve(options.port)


if __name__ == "__main__":
    main()
