"""Functions of the log service that this engine does not have, and why."""

from __future__ import annotations

__all__ = ["why_unavailable"]

_LEARNING = "machine-learning functions are not part of this engine"
_PLACES = "it needs a database of locations"
_THREATS = "it needs a threat database"
_SKETCH = "sketches are not part of this engine; approx_distinct estimates in one step"
_COLOUR = "colours are drawn by a console, not by a query"
_REASONS = {
    "approx_set": _SKETCH, "empty_approx_set": _SKETCH, "merge": _SKETCH, "bar": _COLOUR, "color": _COLOUR, "render": _COLOUR, "rgb": _COLOUR,
    "kernel_density_estimation": _LEARNING, "anomaly_compare": _LEARNING, "pattern_stat": _LEARNING, "pattern_diff": _LEARNING,
    "rca_kpi_search": _LEARNING, "url_classify": _LEARNING, "geohash": "geometry functions are not part of this engine",
    "ts_compare": "comparisons over periods are not part of this engine; query both periods and join them",
    "compare": "comparisons over periods are not part of this engine; query both periods and join them",
}  # fmt: skip
_PREFIXES = {
    "ts_": _LEARNING, "promql_": "PromQL functions are not part of this engine", "st_": "geometry functions are not part of this engine",
    "ip_to_": _PLACES, "security_check_": _THREATS, "mobile_": "it needs a database of phone numbers",
}  # fmt: skip


def why_unavailable(name: str) -> str | None:
    """The reason when ``name`` is a function of the log service that is missing here, else None."""
    folded = name.casefold()
    if folded in _REASONS:
        return _REASONS[folded]
    return next((reason for prefix, reason in _PREFIXES.items() if folded.startswith(prefix)), None)
