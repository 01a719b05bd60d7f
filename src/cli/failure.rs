//! Why a command came to no answer, and whose fault it is.

use crate::exit::Exit;
use iam_why::AskError;
use iam_why::cases::CasesError;
use iam_why::load::LoadError;

/// Why a command came to no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The words make no question.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The options do not fit together.
    #[error("{0}")]
    Usage(String),
    /// The snapshot could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The cases could not be read.
    #[error(transparent)]
    Cases(#[from] CasesError),
    /// The cloud gave nothing to answer from.
    #[cfg(feature = "live")]
    #[error(transparent)]
    Collect(#[from] iam_why::contract::CollectError),
    /// A text could not be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`: {source}")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The answer could not be put into its format.
    #[error("cannot write the answer as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Ask(_) => Exit::Usage,
            Self::Usage(_) => Exit::Usage,
            Self::Load(_) | Self::Cases(_) | Self::Read { .. } => Exit::Unread,
            #[cfg(feature = "live")]
            Self::Collect(error) => unread(error),
            Self::Write { .. } | Self::Json(_) => Exit::Failed,
        }
    }

    /// What is said on stderr.
    pub(crate) fn sentence(&self) -> String {
        format!("error: {self}")
    }
}

#[cfg(feature = "live")]
fn unread(error: &iam_why::contract::CollectError) -> Exit {
    use iam_why::contract::CollectError;
    match error {
        CollectError::NoCredentials { .. }
        | CollectError::BadCredentials { .. }
        | CollectError::NothingRead { .. }
        | CollectError::Unfinished { .. } => Exit::Unread,
        CollectError::Question(_) => Exit::Usage,
        CollectError::Write(_) => Exit::Failed,
    }
}
