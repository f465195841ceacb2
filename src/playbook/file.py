"""The playbook file: YAML into a playbook, or every fault with its line and column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import time
from pathlib import Path
from typing import Final

from leads.errors import BadConfig
from leads.workdays import WEEK, regions_of
from playbook.clauses import Clauses
from playbook.condition import Condition
from playbook.hours import Hours
from playbook.leaves import Leaves
from playbook.marked import Faults, Marked, entries, read_marked
from playbook.plan import EVERYONE, Branch, Plan, Playbook, TrialPeriod, Usage
from playbook.pointsfile import Points
from playbook.text import Text
from playbook.world import World, likely

KEYS: Final = (
    "playbook", "title", "hours", "trial", "usage", "points", "branches", "plans",
)  # fmt: skip
HOURS_KEYS: Final = ("open", "close", "days", "country", "region")
TRIAL_KEYS: Final = ("days", "starts")
USAGE_KEYS: Final = ("name", "words", "when")
BRANCH_KEYS: Final = ("title", "when", "plan", "branches")
ELSE_KEYS: Final = ("title", "else")
FORMAT: Final = 1


def read_playbook(path: Path, world: World) -> Playbook:
    """Read a playbook, or refuse it with every fault named.

    Raises
    ------
    BadConfig
        The file is missing, is no YAML, or breaks a rule; carries all faults.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise BadConfig(
            f"There is no playbook {path}.",
            remedy="Mend [playbook] file, or copy the demo's playbook there.",
        ) from error
    except (UnicodeDecodeError, OSError) as error:
        raise BadConfig(
            f"The playbook {path} cannot be read: {error}.",
            remedy="Save it as a UTF-8 text file.",
        ) from error
    return parse_playbook(text, world, name=path.name)


def parse_playbook(text: str, world: World, *, name: str = "playbook") -> Playbook:
    """Read a playbook from its text; see ``read_playbook``."""
    faults = Faults(name)
    node = read_marked(text, faults)
    made = None if node is None else _Reader(world, faults).read(node)
    if faults.found or made is None:
        found = faults.in_order()
        many = len(found) != 1
        raise BadConfig(
            f"{name} has {len(found)} fault{'s' * many}, so it is not used.",
            remedy=f"Mend {'them' if many else 'it'} and check again:",
            faults=found,
        )
    return made


@dataclass
class _Reader:
    """Reads the parts of the file in the order in which they need each other."""

    world: World
    faults: Faults

    def read(self, node: Marked) -> Playbook | None:
        self.leaves = Leaves(self.world, self.faults)
        self.clauses = Clauses(self.world, self.faults)
        if not self.leaves.mapping(node, KEYS, "the playbook"):
            return None
        self._check_whole(node)
        trial, usage = node.at("trial"), node.at("usage")
        hours, title = node.at("hours"), node.at("title")
        period = self._trial(trial) if trial else None
        self.clauses.has_trial = trial is not None
        states = self._usage(usage) if usage else ()
        self.clauses.states = tuple(state.name for state in states)
        points = node.at("points")
        card = Points(self.leaves, self.clauses).read(points) if points else None
        self.clauses.has_points = points is not None
        plans = self._plans(node.at("plans"))
        self.used: dict[str, Marked] = {}
        branches = node.at("branches")
        found = self._branches(branches, "", plans) if branches else ()
        self._check_unused(node, plans)
        return Playbook(
            title=self.leaves.text(title) if title else {},
            branches=found,
            plans={name: plan for name, (plan, _) in plans.items() if plan},
            usage=states,
            trial=period,
            hours=self._hours(hours),
            points=card,
        )

    def _check_whole(self, node: Marked) -> None:
        for key in ("playbook", "title", "branches", "plans"):
            if key not in node.value:
                self.faults.add(node, f"{key} is missing", f"Add {key}: to the file.")
        version = node.at("playbook")
        if version is not None and version.value != FORMAT:
            what = f"the format is {FORMAT}, got {version.value!r}"
            self.faults.add(version, what, f"Write playbook: {FORMAT}.")

    def _trial(self, node: Marked) -> TrialPeriod | None:
        if not self.leaves.mapping(node, TRIAL_KEYS, "trial"):
            return None
        days, starts = node.at("days"), node.at("starts")
        count = days.value if days else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            what = f"the days of a trial are a whole number, got {count!r}"
            self.faults.add(days or node, what, "Write days: 14.")
            count = 1
        kind = None if starts is None or starts.value == "created" else starts.value
        kinds = self.world.kinds
        if kind is not None and kinds and self.world.lacks(str(kind), kinds):
            what = f"there is no kind of event {kind!r}"
            remedy = f"Write created, or an event. {likely(str(kind), kinds)}"
            self.faults.add(starts or node, what, remedy)
        return TrialPeriod(count, kind)

    def _usage(self, node: Marked) -> tuple[Usage, ...]:
        if not isinstance(node.value, list) or not node.value:
            what = "usage is a list of states, the first that fits counts"
            self.faults.add(node, what, "Begin each with - name:.")
            return ()
        states: dict[str, Usage] = {}
        for item in node.value:
            state = self._state(item, states)
            if state is not None:
                states[state.name] = state
        return tuple(states.values())

    def _state(self, node: Marked, known: dict[str, Usage]) -> Usage | None:
        if not self.leaves.mapping(node, USAGE_KEYS, "a state of usage"):
            return None
        name, words, when = (node.at(key) for key in USAGE_KEYS)
        if name is None or not isinstance(name.value, str):
            self.faults.add(name or node, "a state has a name", "Add - name: tried.")
            return None
        if name.value in known:
            what = f"the state {name.value!r} is here twice"
            self.faults.add(name, what, "Rename one of them.")
        condition: Condition = EVERYONE if when is None else self.clauses.read(when)
        plain: Text = {self.world.language: name.value}
        return Usage(name.value, self.leaves.text(words) if words else plain, condition)

    def _plans(self, node: Marked | None) -> dict[str, tuple[Plan | None, Marked]]:
        if node is None or not isinstance(node.value, dict):
            if node is not None:
                what = "plans is a block of plans by their names"
                self.faults.add(node, what, "Write a name and a colon before each.")
            return {}
        return {
            name: (self.leaves.read(name, value), key)
            for name, key, value in entries(node)
        }

    def _branches(
        self, node: Marked, above: str, plans: dict[str, tuple[Plan | None, Marked]]
    ) -> tuple[Branch, ...]:
        if not isinstance(node.value, list) or not node.value:
            what = "branches is a list, from the first question to else"
            self.faults.add(node, what, "Begin each with - when:.")
            return ()
        found = []
        last = len(node.value)
        for place, item in enumerate(node.value, start=1):
            number = f"{above}{place}"
            is_else = isinstance(item.value, dict) and "else" in item.value
            if is_else != (place == last):
                what = (
                    "no branch after else is ever reached" if is_else
                    else "the last branch is not else, so some leads fall through"
                )  # fmt: skip
                remedy = "Put else last." if is_else else "Add - else: <a plan>."
                self.faults.add(item, what, remedy)
            read = self._else if is_else else self._branch
            branch = read(item, number, plans)
            if branch is not None:
                found.append(branch)
        return tuple(found)

    def _else(
        self, node: Marked, number: str, plans: dict[str, tuple[Plan | None, Marked]]
    ) -> Branch | None:
        self.leaves.mapping(node, ELSE_KEYS, "an else")
        return self._ended(
            Branch(number, None, title=self._title(node)), node.at("else"), plans
        )

    def _branch(
        self, node: Marked, number: str, plans: dict[str, tuple[Plan | None, Marked]]
    ) -> Branch | None:
        if not self.leaves.mapping(node, BRANCH_KEYS, "a branch"):
            return None
        when, plan, inner = node.at("when"), node.at("plan"), node.at("branches")
        if when is None:
            self.faults.add(node, "the branch asks nothing", "Add when: to it.")
        condition: Condition = EVERYONE if when is None else self.clauses.read(when)
        made = Branch(number, condition, title=self._title(node))
        if (plan is None) == (inner is None):
            what = "a branch leads either to a plan or to further branches"
            self.faults.add(node, what, "Give it plan: or branches:, and only one.")
            return made
        if inner is not None:
            return replace(made, branches=self._branches(inner, f"{number}.", plans))
        return self._ended(made, plan, plans)

    def _title(self, node: Marked) -> Text | None:
        title = node.at("title")
        return None if title is None else self.leaves.text(title)

    def _ended(
        self,
        branch: Branch,
        node: Marked | None,
        plans: dict[str, tuple[Plan | None, Marked]],
    ) -> Branch:
        assert node is not None, "asked for only where it is there"
        name = node.value
        if not isinstance(name, str) or name not in plans:
            what = f"there is no plan {name!r}"
            self.faults.add(node, what, likely(str(name), plans))
            return branch
        if name in self.used:
            what = f"plan {name!r} is used on line {self.used[name].line} already"
            self.faults.add(node, what, "Join the two conditions by any:, or copy it.")
        self.used.setdefault(name, node)
        return replace(branch, plan=name)

    def _check_unused(
        self, node: Marked, plans: dict[str, tuple[Plan | None, Marked]]
    ) -> None:
        if node.at("branches") is None:
            return
        for name, (_, key) in plans.items():
            if name not in self.used:
                what = f"no branch leads to plan {name!r}"
                self.faults.add(key, what, "Give it a branch, or take it out.")

    def _hours(self, node: Marked | None) -> Hours:
        world = self.world
        made = Hours(world.zone, country=world.country, region=world.region)
        if node is None or not self.leaves.mapping(node, HOURS_KEYS, "hours"):
            return made
        opens = self._clock(node.at("open"), made.opens)
        closes = self._clock(node.at("close"), made.closes)
        if opens >= closes:
            what = f"{opens:%H:%M} to {closes:%H:%M} is no working day"
            self.faults.add(node, what, "Let open be earlier than close.")
        country, region = self._country(node.at("country"), node.at("region"))
        self._check_one_country(node, country, region)
        days = self._days(node.at("days"))
        return Hours(world.zone, opens, closes, days, country, region)

    def _check_one_country(
        self, node: Marked, country: str | None, region: str | None
    ) -> None:
        """Refuse holidays other than the company's: leads are given out by those."""
        own = self.world.country, self.world.region
        if own[0] is not None and (country, region) != own:
            told = [" ".join(filter(None, one)) for one in ((country, region), own)]
            what = "holidays are those of {}, but [company] says {}".format(*told)
            self.faults.add(node, what, "Take country and region out here.")

    def _clock(self, node: Marked | None, usual: time) -> time:
        if node is None:
            return usual
        try:
            return time.fromisoformat(str(node.value))
        except ValueError:
            what = f"{node.value!r} is no time of day"
            self.faults.add(node, what, "Write one such as 09:00.")
            return usual

    def _days(self, node: Marked | None) -> tuple[str, ...]:
        if node is None:
            return WEEK[:5]
        items = node.value if isinstance(node.value, list) else [node]
        for item in items:
            if item.value not in WEEK:
                what = f"{item.value!r} is no day of the week"
                self.faults.add(item, what, f"Write some of {', '.join(WEEK)}.")
        if not items:
            self.faults.add(node, "nobody ever works", "Name at least one day.")
        return tuple(day for day in WEEK if day in {item.value for item in items})

    def _country(
        self, country: Marked | None, region: Marked | None
    ) -> tuple[str | None, str | None]:
        if country is None:
            return self.world.country, self.world.region
        regions = regions_of(str(country.value))
        if regions is None:
            what = f"the holidays of {country.value!r} are not known"
            self.faults.add(country, what, "Write an ISO 3166 code, such as RU or DE.")
            return None, None
        if region is not None and region.value not in regions:
            what = f"{country.value} has no region {region.value!r}"
            self.faults.add(region, what, likely(str(region.value), regions))
            return str(country.value), None
        return str(country.value), None if region is None else str(region.value)
