"""Forms of the pages: what people type, checked before a service is asked."""
