"""What the README shows, made from the real thing."""
