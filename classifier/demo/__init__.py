"""What the demo shows: invented people, and lesions drawn by rule. No real image."""
