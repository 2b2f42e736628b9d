"""The advisers' side of conversations: their lists, the queue, what they do."""
