"""Mail in: from bytes to what a person wrote, and the three doors it comes in by."""
