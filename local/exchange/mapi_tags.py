"""Properties that MAPI predefines by a tag, as far as Graph's contact has no property for them.

[MS-OXPROPS] says what type each has; under another type there is no such property.
"""

from __future__ import annotations

TAG_TYPES = {
    0x3A02: "String",  # callback telephone
    0x3A07: "String",  # government id
    0x3A1F: "String",  # other telephone
    0x3A21: "String",  # pager
    0x3A24: "String",  # business fax
    0x3A2E: "String",  # assistant's telephone
    0x3A41: "SystemTime",  # wedding anniversary
    0x3A4C: "String",  # FTP site
    0x3A57: "String",  # company's main telephone
}


def fits(kind: str, tag: int) -> bool:
    """Whether a tag, in its short form, may be read and written as a type."""
    return TAG_TYPES.get(tag, kind) == kind
