"""A lesson on the screen: the strip with its words, and the stage that acts on real sessions."""
