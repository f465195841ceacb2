"""Whatever is sent: the double refuses and never breaks."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crm.testing.amocrm.talking import ask, provisioned

from crm.testing.amocrm import AmoCrm, AmoProfile
from crm.testing.amocrm.routing import ROUTES

WORDS = (
    "id", "name", "price", "status_id", "pipeline_id", "responsible_user_id", "type",
    "loss_reason_id", "custom_fields_values", "field_code", "field_id", "values",
    "value", "enum_id", "enum_code", "_embedded", "tags", "contacts", "companies",
    "tags_to_add", "request_id", "updated_at", "entity_id", "entity_type", "text",
    "complete_till", "is_completed", "note_type", "params", "service", "destination",
    "settings", "enums", "code", "sort", "is_api_only", "required_statuses",
    "to_entity_id", "to_entity_type", "metadata", "completed_at", "comment", "user_id",
)  # fmt: skip
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 3), st.floats(-1e9, 1e9),
    st.sampled_from(["", "A", "TIER", "leads", "common", "select", "tier_a", "x"]),
)  # fmt: skip
BODIES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=20,
)
WRITING = [route for route in ROUTES if route.verb != "GET"]


@settings(max_examples=300, deadline=None)
@given(route=st.sampled_from(WRITING), body=BODIES, wrapped=st.booleans())
def test_no_body_breaks_the_double(route: Any, body: Any, *, wrapped: bool) -> None:
    """Each is taken or refused with a status of 4xx; a refused one changes nothing."""
    amo = AMO
    path = route.path
    for name, key in (("{id}", LEAD), ("{note}", NOTE), ("{uid}", "0")):
        path = path.replace(name, str(key))
    before = len(amo.ledger.writes)

    answer = ask(amo, route.verb, path, [body] if wrapped else body)

    assert answer.status_code in (200, 201, 204, 400, 404, 422)
    if answer.status_code >= 400:
        assert len(amo.ledger.writes) == before


def test_every_door_for_writing_is_tried() -> None:
    """Count them, so that a new one cannot be forgotten."""
    assert len(WRITING) == 58


AMO = AmoCrm(AmoProfile(rate=None, account_rate=None))
provisioned(AMO)
LEAD = AMO.person().create(name="A")
NOTE = AMO.person().note(LEAD, text="x")
