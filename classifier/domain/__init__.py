"""Vocabulary: the words, states, limits and errors that every room speaks. Knows no row and no request."""
