"""The database: SQLite in a file by default, PostgreSQL by URL; the schema's history is in `migrations`."""

from camctl.store.engine import Store, StoreError, open_store
from camctl.store.migrate import METADATA, migrate

__all__ = ["METADATA", "Store", "StoreError", "migrate", "open_store"]
