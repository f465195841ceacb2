"""Plans as they are written in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, cast, get_args

from playbook.hours import Within
from playbook.marked import Faults, Marked, entries
from playbook.plan import OWNER, Plan, StageStep, Task, TaskType
from playbook.text import LANGUAGES, Text
from playbook.world import World, likely

SOON: Final = re.compile(r"(\d{1,3})\s*([hd])")
UNITS: Final = {"h": "hours", "d": "days"}
GAP: Final = re.compile(r"\{([^{}]*)\}")
GAPS: Final = ("lead", "manager", "stage", "pipeline", "source")
"""What a message may leave open for the lead's own, besides ``card.<field>``."""

PLAN_KEYS: Final = (
    "segment", "steps", "script", "questions", "task", "stage", "message", "aims",
    "automatic",
)  # fmt: skip
TASK_KEYS: Final = ("type", "for", "within")
STAGE_KEYS: Final = ("suggest", "move")
MOST_CHARACTERS: Final = 4_000


@dataclass
class Leaves:
    """Reads plans; what is wrong with them goes into ``faults``."""

    world: World
    faults: Faults

    def read(self, name: str, node: Marked) -> Plan | None:
        """Read one plan; None if it is none."""
        if not self.mapping(node, PLAN_KEYS, f"plan {name!r}"):
            return None
        for key in ("segment", "steps"):
            if key not in node.value:
                what = f"plan {name!r} has no {key}"
                self.faults.add(node, what, f"Add {key}: to it.")
        segment, script = node.at("segment"), node.at("script")
        task, stage, message = node.at("task"), node.at("stage"), node.at("message")
        return Plan(
            name=name,
            segment=self.text(segment) if segment else {},
            steps=self._texts(node, "steps"),
            script=self.text(script) if script else None,
            questions=self._texts(node, "questions"),
            task=self._task(task) if task else None,
            stage=self._stage(stage) if stage else None,
            message=self._message(message) if message else None,
            aims=self._aims(node.at("aims")),
            automatic=self._flag(node.at("automatic")),
        )

    def mapping(self, node: Marked, keys: tuple[str, ...], what: str) -> bool:
        """Check that something is a block with no other keys than these."""
        if not isinstance(node.value, dict):
            self.faults.add(node, f"{what} is a block", f"Its keys: {', '.join(keys)}.")
            return False
        for name, key, _ in entries(node):
            if name not in keys:
                self.faults.add(key, f"{what} has no key {name!r}", likely(name, keys))
        return True

    def text(self, node: Marked) -> Text:
        """Read a text: in the company's language, or in several by their codes."""
        if isinstance(node.value, dict):
            self.mapping(node, LANGUAGES, "a text by language")
            if self.world.language not in node.value:
                what = f"the company's language, {self.world.language}, is missing"
                self.faults.add(node, what, f"Add {self.world.language}: to it.")
            return {
                name: self._words(value)
                for name, _, value in entries(node)
                if name in LANGUAGES
            }
        return {self.world.language: self._words(node)}

    def _words(self, node: Marked) -> str:
        value = node.value
        if not isinstance(value, str) or not value.strip():
            what = f"a text is needed, got {value!r}"
            if isinstance(value, (dict, list)):
                what = "a text is needed, not a block"
            self.faults.add(node, what, "Write words; in quotes if they hold : or #.")
            return ""
        if len(value) > MOST_CHARACTERS:
            what = f"the text has {len(value):,} characters"
            self.faults.add(node, what, f"Keep to {MOST_CHARACTERS:,}.")
        return " ".join(value.split())

    def _texts(self, node: Marked, key: str) -> tuple[Text, ...]:
        found = node.at(key)
        if found is None:
            return ()
        if not isinstance(found.value, list):
            self.faults.add(found, f"{key} is a list", "Begin each with a dash.")
            return ()
        return tuple(self.text(item) for item in found.value)

    def _flag(self, node: Marked | None) -> bool:
        if node is None or isinstance(node.value, bool):
            return node is not None and bool(node.value)
        self.faults.add(node, f"{node.value!r} is no flag", "Write true or false.")
        return False

    def _task(self, node: Marked) -> Task | None:
        if not self.mapping(node, TASK_KEYS, "a task"):
            return None
        kind, whom, soon = node.at("type"), node.at("for"), node.at("within")
        types = get_args(TaskType)
        if kind is None or kind.value not in types:
            got = "nothing" if kind is None else repr(kind.value)
            what = f"the type of a task is one of {', '.join(types)}, got {got}"
            self.faults.add(kind or node, what, likely(str(kind and kind.value), types))
            kind = None
        name = self._whom(whom)
        within = self._within(soon or node)
        if kind is None or within is None:
            return None
        return Task(cast(TaskType, kind.value), within, name)

    def _whom(self, node: Marked | None) -> str:
        if node is None or node.value == OWNER:
            return OWNER
        managers = self.world.managers
        if not isinstance(node.value, str):
            what = f"a task is for a manager, got {node.value!r}"
            self.faults.add(node, what, f"Write {OWNER}, or the id in quotes.")
        elif managers is not None and node.value not in managers:
            what = f"there is no manager {node.value!r}"
            self.faults.add(node, what, likely(node.value, {*managers, OWNER}))
        return str(node.value)

    def _within(self, node: Marked) -> Within | None:
        found = SOON.fullmatch(str(node.value))
        if not found or (found[2] == "h" and not int(found[1])):
            got = "nothing" if isinstance(node.value, dict) else repr(node.value)
            what = f"within says how soon, got {got}"
            remedy = "Write business hours or days, such as 4h, or 0d for today."
            self.faults.add(node, what, remedy)
            return None
        return Within(int(found[1]), UNITS[found[2]])  # type: ignore[arg-type]  # hours or days

    def _stage(self, node: Marked) -> StageStep | None:
        if not self.mapping(node, STAGE_KEYS, "stage"):
            return None
        if len(node.value) != 1:
            what = "stage takes either suggest or move"
            self.faults.add(node, what, "Keep one of them.")
            return None
        (op, _, value), *_ = entries(node)
        stages = self.world.stages
        if not isinstance(value.value, str):
            what = f"a stage is a name, got {value.value!r}"
            self.faults.add(value, what, "Write its name, in quotes if needed.")
            return None
        if stages is not None and value.value not in stages:
            what = f"there is no stage {value.value!r}"
            self.faults.add(value, what, likely(value.value, stages))
        return StageStep(value.value, moved=op == "move")

    def _message(self, node: Marked) -> Text:
        text = self.text(node)
        fields = self.world.fields
        for words in text.values():
            for gap in GAP.findall(words):
                field = gap.removeprefix("card.")
                if gap in GAPS:
                    continue
                if field == gap or (fields is not None and field not in fields):
                    every = [*GAPS, *(f"card.{name}" for name in fields or ())]
                    what = f"nothing fills the gap {{{gap}}}"
                    self.faults.add(node, what, likely(gap, every))
        return text

    def _aims(self, node: Marked | None) -> tuple[str, ...]:
        if node is None:
            return ()
        if not isinstance(node.value, list):
            self.faults.add(node, "aims is a list", "Begin each with a dash.")
            return ()
        return tuple(name for item in node.value if (name := self._aim(item)))

    def _aim(self, node: Marked) -> str | None:
        name, world = node.value, self.world
        known = {*(world.kinds or ()), *(world.fields or ()), "stage"}
        if not isinstance(name, str):
            self.faults.add(node, f"{name!r} is no name", "Name an event or a field.")
            return None
        if world.kinds is not None and name not in known:
            what = f"there is no event or card field {name!r}"
            self.faults.add(node, what, likely(name, known))
        elif world.changeable is not None and name not in {*world.changeable, "stage"}:
            what = f"nobody can change {name!r}"
            remedy = "A plan names only what somebody can: see [company] changeable."
            self.faults.add(node, what, remedy)
        elif world.changeable is None and name in world.fixed:
            what = f"nobody ever changed {name!r}"
            remedy = "If somebody can, name it in [company] changeable; or take it out."
            self.faults.add(node, what, remedy)
        return name
