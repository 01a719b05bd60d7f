//! Explains why a cloud principal got an HTTP 403.
