"""e_syslogrfc"""

from __future__ import annotations

from typing import Annotated, Any

from transforms.core.suggest import suggestion
from transforms.rules.function import Example, extraction
from transforms.rules.functions.extraction._kinds import Renames
from transforms.rules.kinds import Choice, Text

FACILITIES = (
    "kernel messages", "user-level messages", "mail system", "system daemons", "security/authorization messages",
    "messages generated internally by syslogd", "line printer subsystem", "network news subsystem", "UUCP subsystem", "clock daemon",
    "security/authorization messages", "FTP daemon", "NTP subsystem", "log audit", "log alert", "clock daemon", "local use 0 (local0)",
    "local use 1 (local1)", "local use 2 (local2)", "local use 3 (local3)", "local use 4 (local4)", "local use 5 (local5)",
    "local use 6 (local6)", "local use 7 (local7)",
)  # fmt: skip
SEVERITIES = (
    "Emergency: system is unusable", "Alert: action must be taken immediately", "Critical: critical conditions", "Error: error conditions",
    "Warning: warning conditions", "Notice: normal but significant condition", "Informational: informational messages",
    "Debug: debug-level messages",
)  # fmt: skip
WRITTEN = ("_facility_", "_severity_", "_severitylabel_", "_facilitylabel_")
HIGHEST = len(FACILITIES) * len(SEVERITIES) - 1


@extraction(
    "extraction",
    parameters={
        "field": "The field that holds the priority, a number from 0 to 191.",
        "rfc": "SYSLOGRFC3164 or SYSLOGRFC5424; both have the same priorities.",
        "fields_info": "A dictionary of new names for the fields that are written.",
    },
    examples=[
        Example(
            'e_syslogrfc("pri", "SYSLOGRFC5424")',
            {"pri": "13"},
            {
                "pri": "13", "_facility_": "1", "_severity_": "5", "_severitylabel_": SEVERITIES[5], "_facilitylabel_": FACILITIES[1],
            },
        ),
        Example(
            'e_syslogrfc("pri", "SYSLOGRFC3164", {"_severity_": "sev"})',
            {"pri": "191"},
            {"pri": "191", "_facility_": "23", "sev": "7", "_severitylabel_": SEVERITIES[7], "_facilitylabel_": FACILITIES[23]},
            title="Other names",
        ),
        Example('e_syslogrfc("pri", "SYSLOGRFC5424")', {"pri": "high"}, {"pri": "high"}, title="No priority: nothing happens"),
        Example('e_syslogrfc("pri", "RFC5424")', {"pri": "13"}, error="one of SYSLOGRFC3164, SYSLOGRFC5424"),
    ],
    mode="overwrite",
)  # fmt: skip
def e_syslogrfc(
    value: Text, rfc: Annotated[str, Choice("SYSLOGRFC3164", "SYSLOGRFC5424")], fields_info: Renames | None = None
) -> list[tuple[str, Any]] | None:
    """Reads the priority of a syslog message: facility, severity, and what they are called.

    Writes ``_facility_`` (the priority divided by 8), ``_severity_`` (the remainder), ``_facilitylabel_`` and ``_severitylabel_``.
    Events whose field holds no whole number from 0 to 191 stay as they are.
    """
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= HIGHEST):
        return None
    facility, severity = divmod(int(digits), len(SEVERITIES))
    names = fields_info or {}
    found = zip(WRITTEN, (facility, severity, SEVERITIES[severity], FACILITIES[facility]), strict=True)
    return [(names.get(name, name), text) for name, text in found]


@e_syslogrfc.at_load
def _check(known: dict[str, Any]) -> Any:
    for name in known.get("fields_info") or ():
        if name not in WRITTEN:
            hint = suggestion(name, WRITTEN, "field")
            yield f"e_syslogrfc: fields_info: {name!r} is not written" + (f"; {hint}" if hint else ""), "fields_info"
