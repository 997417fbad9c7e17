"""State: the Faust worker that folds events into friends."""
