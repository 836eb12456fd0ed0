"""Who may, and who did: people, organisations, API keys and the audit trail."""
