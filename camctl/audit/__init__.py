"""The audit log: a record of who did what that cannot be bent unnoticed. `camctl.audit.chain` says why not."""
