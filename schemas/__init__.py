"""What is on the wire: every topic, every record, one codec. Pure: no I/O, no clock."""
