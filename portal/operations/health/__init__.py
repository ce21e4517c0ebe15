"""Health checks: probes of each part, heartbeats of the workers, and the pages that show them."""
