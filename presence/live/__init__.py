"""The live connection: frames, connections, who listens to what, and leases."""
