"""Mail out: composing final bytes, the outbox, SMTP, and the demo's catcher."""
