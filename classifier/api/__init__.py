"""REST API: version 1, for integrators. Views ask the services that the pages ask."""
