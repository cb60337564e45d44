"""OAuth 2.0 as a server: authlib's rules over what is known of one request. It knows no storage."""
