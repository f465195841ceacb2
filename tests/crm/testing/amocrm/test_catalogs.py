"""Invoices, products, purchases."""

import pytest
from tests.crm.testing.amocrm.talking import ask, faults, filled, rows

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.catalog_routes import make_catalog


def invoices(amo: AmoCrm) -> int:
    """Find the catalog of invoices."""
    [catalog] = rows(amo, "catalogs?filter[type]=invoices")
    return int(catalog["id"])


def test_an_invoice_is_found_through_the_leads_links() -> None:
    """The link names the catalog, the element says whether and when it was paid."""
    amo = AmoCrm()
    catalog, lead = invoices(amo), amo.person().create(name="A")
    paid = [
        *filled("BILL_STATUS", "paid", "enum_code"),
        *filled("BILL_PRICE", 4990),
        *filled("BILL_PAYMENT_DATE", 1_795_000_000),
    ]
    made = ask(amo, "POST", f"catalogs/{catalog}/elements",
               [{"name": "No. 1", "custom_fields_values": paid}])  # fmt: skip
    element = made.json()["_embedded"]["elements"][0]["id"]
    ask(amo, "POST", f"leads/{lead}/link", [
        {"to_entity_id": element, "to_entity_type": "catalog_elements",
         "metadata": {"catalog_id": catalog, "quantity": 1}},
    ])  # fmt: skip

    [link] = rows(amo, f"leads/{lead}/links?filter[to_entity_type]=catalog_elements")
    [bill] = rows(
        amo,
        f"catalogs/{link['metadata']['catalog_id']}/elements"
        f"?with=invoice_link&filter[id][]={link['to_entity_id']}",
    )

    told = {f["field_code"]: f["values"][0] for f in bill["custom_fields_values"]}
    assert told["BILL_STATUS"]["enum_code"] == "paid"
    assert told["BILL_PRICE"] == {"value": "4990"}
    assert told["BILL_PAYMENT_DATE"] == {"value": 1_795_000_000}
    assert bill["invoice_link"].endswith(str(element))
    [seen] = rows(amo, "leads?with=catalog_elements")
    [tied] = seen["_embedded"]["catalog_elements"]
    assert (tied["id"], tied["metadata"]["catalog_id"]) == (element, catalog)


def test_a_wrong_invoice_is_refused() -> None:
    """The status is a choice, the name is needed."""
    amo = AmoCrm()
    bad = filled("BILL_STATUS", "stolen", "enum_code")

    answer = ask(amo, "POST", f"catalogs/{invoices(amo)}/elements",
                 [{"custom_fields_values": bad}])  # fmt: skip

    assert faults(answer) == {
        "0": [
            ("FieldMissing", "name"),
            ("NotSupportedChoice", "custom_fields_values.0.values.0.enum_code"),
        ]
    }


def test_an_account_has_ten_catalogs_at_most() -> None:
    """And an unknown one is 404."""
    amo = AmoCrm()
    for place in range(8):
        make_catalog(amo.account, f"List {place}", "regular")

    with pytest.raises(ValueError, match="10 catalogs"):
        make_catalog(amo.account, "One more", "regular")
    assert len(rows(amo, "catalogs")) == 10
    assert ask(amo, "GET", "catalogs/5/elements").status_code == 404


def test_purchases_of_a_customer_have_price_time_and_comment() -> None:
    """Entered twice, they are there twice."""
    amo = AmoCrm()
    [customer] = ask(amo, "POST", "customers", [{"name": "A"}]).json()["_embedded"][
        "customers"
    ]
    path = f"customers/{customer['id']}/transactions"
    item = {"price": 100, "completed_at": 1_795_000_000, "comment": "march"}

    for _ in range(2):
        ask(amo, "POST", path, [item])
    wrong = ask(amo, "POST", path, [{"price": "much"}])

    assert [bought["comment"] for bought in rows(amo, path)] == ["march", "march"]
    assert faults(wrong) == {"0": [("InvalidType", "price")]}
    assert ask(amo, "GET", "customers/5/transactions").status_code == 404
