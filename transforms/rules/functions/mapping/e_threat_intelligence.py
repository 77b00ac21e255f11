"""e_threat_intelligence"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from transforms.rules.context import Context
from transforms.rules.event import Event
from transforms.rules.function import Example, step
from transforms.rules.kinds import FieldName, Mode, Text, choice_of

if TYPE_CHECKING:
    from transforms.rules.columns import Arguments
    from transforms.rules.frame import Frame

_KNOWN = {"threat_intelligence": {"203.0.113.9": {"severity": 4, "ioc_type": "ipv4"}}}


@step(
    "mapping",
    parameters={
        "category": "What the field holds: ``ip`` or ``domain``.",
        "field": "The field with the address or the name.",
        "output_field": "The field that takes what is known, as a JSON object; ``__threat_intelligence__:FIELD`` if it is left out.",
        "mode": "How a field is written that may be there already.",
    },
    examples=[
        Example(
            'e_threat_intelligence("ip", "client", output_field="threat")',
            {"client": "203.0.113.9"},
            {"client": "203.0.113.9", "threat": '{"severity": 4, "ioc_type": "ipv4"}'},
            resources=_KNOWN,
        ),
        Example(
            'e_threat_intelligence("ip", "client")',
            {"client": "203.0.113.9"},
            {"client": "203.0.113.9", "__threat_intelligence__:client": '{"severity": 4, "ioc_type": "ipv4"}'},
            title="The field's default name",
            resources=_KNOWN,
        ),
        Example('e_threat_intelligence("ip", "client")', {"client": "192.0.2.1"}, {"client": "192.0.2.1"}, resources=_KNOWN),
        Example('e_threat_intelligence("mail", "from")', {}, error="one of ip, domain"),
    ],
)
def e_threat_intelligence(
    event: Event,
    context: Context,
    category: Annotated[str, choice_of("category", ("ip", "domain"))],
    field: FieldName,
    output_field: Text | None = None,
    mode: Mode = "overwrite",
) -> None:
    """Writes what the job's threat intelligence knows of an address or a domain name.

    The job names a file with that knowledge; nothing is asked of the network. What is not known, or an event without the field, is left
    as it is.
    """
    value = event.get(field)
    if value is not None:
        known = context.resources.threat(category, value)
        event.write(output_field or f"__threat_intelligence__:{field}", None if known is None else dict(known), mode)


@e_threat_intelligence.columns
def _columns(frame: Frame, call: Arguments) -> Frame:
    import polars as pl

    from transforms.core.errors import LogsluiceError
    from transforms.rules.function import Decline
    from transforms.rules.values import stored_text
    from transforms.rules.writes import write

    category, field, mode = call.fixed("category"), call.fixed("field"), call.fixed("mode")
    output = call.fixed("output_field") or f"__threat_intelligence__:{field}"
    column = frame.column(field)
    if column is None:
        return frame
    memo: dict[str | None, str | None] = {None: None}
    texts: list[str | None] = []
    for value in column.to_list():
        if value not in memo:
            try:
                known = frame.state.context.resources.threat(category, value)
                memo[value] = None if known is None else stored_text(dict(known))
            except (LogsluiceError, TypeError, ValueError):
                raise Decline from None  # the scalar form says which events fail
        texts.append(memo[value])
    write(frame, output, pl.Series("", texts, pl.String), mode, function="e_threat_intelligence", start=call.start, end=call.end)
    return frame
