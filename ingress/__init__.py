"""HTTP in, Kafka out: verify the signature, append, answer."""
