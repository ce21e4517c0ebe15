"""Single sign-on: the code flow of OpenID Connect, allauth's adapter, and its two addresses."""
