"""People: advisers, teams, customers, sign-in, and their hours."""
