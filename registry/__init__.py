"""Connections: their log, their numbers, their sealed secrets."""
