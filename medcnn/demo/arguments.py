"""The arguments of ``demo``; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    demo = commands.add_parser(
        "demo",
        help="try the exported models in your browser",
        description="Gather onnxruntime-web and the exported models, and serve them and the report to this machine "
        "alone; no image leaves it.",
    )
    demo.add_argument("step", choices=("make", "serve"), nargs="?", help="one of the two alone (default: both)")
    demo.add_argument("--port", metavar="N", type=_port, default=8000, help="default: 8000; 0 takes any that is free")
    demo.set_defaults(command=_demo)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) >= 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give 0 to 65535")
    return int(text)


def _demo(options: argparse.Namespace) -> None:
    from medcnn.demo import gathering, serving
    from medcnn.params import whole
    from medcnn.runtime import paths

    if options.step != "serve":
        gathering.gather(whole.load())
        print(f"demo: {paths.DEMO}" + ("; `medcnn demo serve` shows it" if options.step else ""), flush=True)
    if options.step != "make":
        serving.serve(options.port)
