"""What the data cannot tell, so that silence is not taken for good news."""

from __future__ import annotations

from model.audit.standing import Scene


def unknown_of(scene: Scene) -> tuple[str, ...]:
    """Name what is not known of the open leads: words ``audit.unknown.<name>``.

    ``open``: none is open. ``stages``: no history of stages. ``owners``: no lead names
    its manager. ``nobody`` and ``some``: nothing tells who all, or some, of them are.
    Whether people's work and tasks are known is told with these findings.
    """
    still, who = scene.open, scene.who
    if still.is_empty():
        return ("open",)
    told = {
        "stages": still["stage"].null_count() == still.height,
        "owners": still["owner"].null_count() == still.height,
        "nobody": who.is_nothing,
        "some": 0 < who.blind < who.open,
    }
    return tuple(name for name, is_so in told.items() if is_so)
