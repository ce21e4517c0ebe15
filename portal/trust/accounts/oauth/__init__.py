"""OAuth 2: authorization code with PKCE and client credentials, for applications of a clinic."""
