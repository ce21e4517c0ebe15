"""The paper's two networks trained as it trained them, and what its figures resemble."""
