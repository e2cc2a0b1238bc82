"""The database: SQLite in a file by default, PostgreSQL by URL; the schema's history is in `migrations`."""

from camctl.store.engine import COMMAND_PATIENCE_S, REQUEST_PATIENCE_S, Store, StoreError, open_store
from camctl.store.migrate import METADATA, migrate

__all__ = ["COMMAND_PATIENCE_S", "METADATA", "REQUEST_PATIENCE_S", "Store", "StoreError", "migrate", "open_store"]
