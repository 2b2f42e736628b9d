"""Conversations: the log, who has them, and the mail behind them."""
