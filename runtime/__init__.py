"""What a process needs: settings, Kafka, clock, logs, metrics, lifecycle."""
