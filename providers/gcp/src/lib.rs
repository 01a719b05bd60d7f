//! Google Cloud for iam-why: its authorization as a pure function, and what reads it.
