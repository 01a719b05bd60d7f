//! The policy language: action patterns, permission objects, and the conditions of attribute-based access control.

pub(crate) mod action;
pub(crate) mod carried;
pub(crate) mod condition;
pub(crate) mod evaluate;
pub(crate) mod operators;
#[cfg(test)]
mod oracle;
pub(crate) mod parse;
pub(crate) mod permission;
