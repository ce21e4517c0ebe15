"""Common ground: triggers that keep rows as they are, the one bypass, and what logs and error reports may hold."""
