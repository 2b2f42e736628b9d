"""The directory of experts: who they are, what they know, who of them is there now, and when the others are free."""
