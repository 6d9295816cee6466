"""Loresmith: documents and examples in, a measured domain assistant out.

The core knows hooks and value types. It imports no torch, no textual and no plugin.
"""

__version__ = "0.1.0"
