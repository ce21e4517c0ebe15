"""Cases: what people do with a case after it came in: read, sign, order, follow up, compare, withdraw."""
