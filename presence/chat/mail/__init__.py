"""Mail behind conversations: what is mailed of them, and what comes in by mail."""
