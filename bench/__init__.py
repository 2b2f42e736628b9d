"""What `presence` is measured by: real processes, real HTTP, real mail. `python -m bench` prints the table."""
