"""Doubles of CRMs: ASGI applications with state, faithful also in how they fail.

Nobody's CRM can be reached from a test, so what a double does is what our doors are
proved against. Product code never imports this package. What all doubles share:

``clock``     a ``Clock`` that tests move; the double waits by no other
``profiles``  ``Profile``: plan, limits, simple CRM mode, self-hosted, switches
``faults``    which call meets which fault: ``Scripted``, ``Seeded``, ``Between``...
``wire``      ``carry_out`` does one fault around one piece of work
``ledger``    what was asked, what was applied, by which request, how late
``pump``      ``Pump`` posts events to a receiver, through any ``Weather``
``brackets``  forms as PHP nests them
``serving``   the double on a loopback socket, where connections can be cut

A new double keeps its state in plain objects and answers each request so::

    request = ledger.asked(clock.now, method, credential=who, params=params)
    fault = plan.pick(Call(method, writes, request.number, nth, clock.elapsed))

    def work() -> Answer:        # all or nothing, no await: may run late or twice
        ...                      # change the state
        ledger.applied(request, clock.now, ("lead", "253", "update"),
                       before=old, after=new)
        pump.send(Message(url, encode(event)))
        return Answer(200, body)

    await carry_out(fault, work, Line(scope, receive, send), clock=clock)

What the server does before it looks at the method (limits, credentials) belongs in
front of ``carry_out``: it is never late, and it never applies anything. State is only
touched inside ``work`` and by the test itself.

A test drives it in one event loop without sockets::

    transport = httpx2.ASGITransport(app=double.app)      # a cut: ConnectionResetError
    async with httpx2.AsyncClient(transport=transport, base_url=...) as client: ...
    await clock.advance(60)                               # late writes are now applied
    await double.pump.deliver()
    assert not double.ledger.doubled("comment", mark)
"""
