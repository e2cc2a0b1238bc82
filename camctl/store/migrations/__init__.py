"""The schema's history, run by `camctl.store.migrate`."""
