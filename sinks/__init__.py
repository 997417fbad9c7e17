"""Effects on others: plain Kafka consumers that write to HubSpot and LINE."""
