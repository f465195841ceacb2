"""The command line: ``python -m pipelines <verb>``."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="leadcast",
    help="Predict which sales leads will pay, why, and what to do next.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals hold personal data
)


if __name__ == "__main__":
    app(prog_name="python -m pipelines")
