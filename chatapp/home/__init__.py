"""Where chatapp keeps its files, and its one settings file. Imports nothing of ours but errors."""
