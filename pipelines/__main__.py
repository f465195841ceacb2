"""The command line: ``python -m pipelines <verb>``.

A verb's module is imported only when that verb runs: the learning libraries take
seconds to load, and neither ``--help`` nor a mistyped word should wait for them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

import typer
from typer.core import TyperGroup

VERBS: Final[Mapping[str, str]] = {
    "connect": "Check a CRM's rights and make our fields on its cards.",
    "ingest": "Bring the company's data into canonical tables.",
    "snapshot": "Look at the leads in time and print the data card.",
    "train": "Train, calibrate, prove and register a model.",
    "promote": "Let the challenger serve, if it proves better; or roll back.",
    "compare": "Hold two versions of the model against each other.",
    "backtest": "Hold what models of then would have said against what happened.",
    "score": "Predict a file of leads, or every open lead of the source.",
    "playbook": "Show, check, test and compare the owner's flow chart.",
    "points": "Learn, show and test points for who a lead is and what it does.",
    "report": "Write the pages as self-contained HTML files.",
    "deliver": "Write predictions on the cards of the CRM.",
    "daily": "Run the morning's work, once per business date.",
    "rebuild": "Make a past prediction again and hold it against the journal.",
    "funnel": "Say what is wrong with the funnel; clean up a dump of leads.",
    "erase": "Forget a person everywhere, and keep them out of every ingest.",
    "serve": "Serve predictions and pages over HTTP.",
    "demo": "Run the main job from data to reports, then serve.",
    "demo-crm": "Show the whole loop beside a CRM, which is a double.",
}
"""Each verb lives in the module and the function of its name (``-`` as ``_``)."""


class Verbs(TyperGroup):
    """A group whose commands are known by name and loaded when called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the verb that was asked for, and only that one."""
        name = args[0]
        if name in VERBS:
            self.commands[name] = _loaded(name)
        return super().resolve_command(ctx, args)


def _loaded(name: str) -> Any:
    place = name.replace("-", "_")
    module = importlib.import_module(f"pipelines.{place}")
    found = getattr(module, place)
    if isinstance(found, typer.Typer):  # a verb with verbs of its own
        return typer.main.get_command(found)
    single = typer.Typer(rich_markup_mode="rich", add_completion=False)
    single.command(name)(found)
    return typer.main.get_command(single)


def _known_by_name() -> None:
    """Stand for a verb in the list until it is called."""


app = typer.Typer(
    name="leadcast",
    cls=Verbs,
    help="Predict which sales leads will pay, why, and what to do next.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals hold personal data
)
for _name, _summary in VERBS.items():
    app.command(_name, help=_summary)(_known_by_name)


if __name__ == "__main__":
    app(prog_name="python -m pipelines")
