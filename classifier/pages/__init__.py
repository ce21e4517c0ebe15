"""Pages: what clinicians, dermatologists and administrators see. The topmost room: nothing imports it."""
