//! What the Google Cloud provider answers, from the outside.

#[cfg(test)]
mod printed;
#[cfg(test)]
mod snapshots;
