"""What the notebook says, in English and Simplified Chinese, and how numbers and times are written."""

from __future__ import annotations

from .catalogue import Labels, Words
from .chinese import CHINESE
from .english import ENGLISH
from .locale import Locale, labels_for, zone_named

__all__ = ["CHINESE", "ENGLISH", "Labels", "Locale", "Words", "labels_for", "zone_named"]
