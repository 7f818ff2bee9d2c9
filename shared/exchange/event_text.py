"""An event's body as Graph shows it, as a canonical value."""

from __future__ import annotations

from typing import Any

from shared.bodies.forms import of_html
from shared.bodies.visible import normal
from shared.model.values import Value


def decode(body: Any) -> Value:
    """Text or HTML, whichever was asked for."""
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(content, str):
        return ""
    return of_html(content) if str(body.get("contentType")).lower() == "html" else normal(content)
