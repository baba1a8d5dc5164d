"""What of a conversation is handed to the archive, as it happens, and back when it is reopened."""
