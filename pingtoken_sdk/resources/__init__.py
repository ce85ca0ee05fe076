"""What a client offers, by the names of the API: parameters in, typed answers out."""
