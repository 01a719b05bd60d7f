//! The policy language: who is meant, which permissions, under which condition.

pub(crate) mod attributes;
pub(crate) mod claims;
pub(crate) mod commands;
pub(crate) mod evaluate;
pub(crate) mod expression;
pub(crate) mod functions;
#[cfg(test)]
mod oracle;
pub(crate) mod permissions;
pub(crate) mod principals;
pub(crate) mod resources;
pub(crate) mod supplied;
pub(crate) mod value;
