"""What policies, tariffs and networks would have cost on a site's own past, read from its history or from CSV files."""
