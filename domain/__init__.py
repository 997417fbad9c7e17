"""What it means: registers, fold, projection, settle, outcomes, delivery. Pure: no I/O, no clock, no environment."""
