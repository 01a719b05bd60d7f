//! The live reader against a server on loopback.
