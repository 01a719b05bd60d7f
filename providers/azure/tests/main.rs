//! What the Azure provider answers, from the outside.

#[cfg(test)]
mod printed;
