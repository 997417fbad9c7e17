"""The spool: events on this machine's disk while Kafka is away."""
