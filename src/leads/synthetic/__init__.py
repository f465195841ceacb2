"""An invented company with known truth: software with a free trial, from a seed.

>>> company = invent(500, seed=7)
>>> company.leads.columns[:4]
['deal_id', 'registered_at', 'utm_source', 'funnel']
>>> company.truth.columns
['lead_id', 'moment', 'kind', 'probability', 'converted', 'buyer']

``write(company, folder)`` leaves ``folder/export`` for ``ingest`` to read and
``folder/truth`` for nobody but those who check.
"""

from leads.synthetic.company import invent
from leads.synthetic.export import Invented, write

__all__ = ["Invented", "invent", "write"]
