"""The doors: one per vendor; nothing else imports a vendor SDK."""
