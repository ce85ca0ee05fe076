"""The platform's HTTP side: inference, the account's pages, the catalogue, and the admin's own."""
