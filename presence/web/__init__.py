"""What every page and API answer shares: sessions, headers, forms, problems, templates, rate limits."""
