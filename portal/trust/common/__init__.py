"""What every part of the site rests on: headers, immutable rows, the bypass, addresses for logs."""
