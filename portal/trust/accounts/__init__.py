"""Accounts: people, clinics and how they get in. Rooms: people, login, second_factor, sessions, tokens, oauth."""
