"""What our parts are measured against. Nothing else may import it."""
