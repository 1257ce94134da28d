//! Everything that can end a command, and the exit code it ends with.

use super::approvals::Approvals;
use crate::domain::job::Language;
use std::path::PathBuf;

/// An end of a command that is not success. The variant decides the exit code, the message tells what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The job file, a template or the way the command was called is wrong.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Job(#[from] crate::job::Error),
    #[error(transparent)]
    Templates(#[from] crate::message::Error),
    #[error("{0}")]
    Render(String),
    #[error(transparent)]
    Compose(#[from] crate::message::ComposeError),
    #[error(transparent)]
    Schedule(#[from] crate::schedule::Error),
    #[error(transparent)]
    Keys(#[from] crate::keys::Error),
    #[error(transparent)]
    Import(#[from] crate::import::Error),
    #[error(transparent)]
    Purchases(crate::purchases::Error),
    #[error(transparent)]
    Features(#[from] crate::features::Error),
    #[error(transparent)]
    Tables(#[from] crate::tables::Error),
    #[error(transparent)]
    Piles(crate::piles::Error),
    #[error(transparent)]
    Audience(crate::audience::Error),
    #[error("{0}")]
    Data(String),
    /// A plan folder does not hold what it should.
    #[error("{0}")]
    Folder(String),
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Error),
    #[error(transparent)]
    Runs(#[from] crate::runs::Error),
    #[error(transparent)]
    Report(#[from] crate::report::Error),
    #[error(
        "the outbox cannot be written: {0}; free some space or choose another `outbox` in [mail], then run `rankmail send` again: it goes on where it stopped"
    )]
    Outbox(String),
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Delivery(#[from] crate::delivery::Error),
    #[error("{0}")]
    Server(String),
    /// Problems of several parts, which have nothing to do with each other; the first decides the exit code.
    #[error("{}", one_after_the_other(.0))]
    Several(Vec<Error>),
    #[error("{}", approvals.refusal(*language))]
    Unapproved { approvals: Box<Approvals>, language: Language },
    #[error("{}", language.pick(
        format!("ブレーキ `{name}` で止めました: {seen}。計画を確かめて、よければ `--accept {name}` を付けて実行してください"),
        format!("stopped by the brake `{name}`: {seen}; look at the plan, then go on with `--accept {name}`"),
    ))]
    Brake { name: String, seen: String, language: Language },
}

impl From<crate::purchases::Error> for Error {
    /// Where the one who received the lines refused them, it is no error of theirs.
    fn from(error: crate::purchases::Error) -> Self {
        match error {
            crate::purchases::Error::Sink(refused) => match refused.downcast() {
                Ok(refused) => Self::Features(*refused),
                Err(refused) => Self::Purchases(crate::purchases::Error::Sink(refused)),
            },
            error => Self::Purchases(error),
        }
    }
}

impl Error {
    /// 2 bad job, template or usage; 3 data; 4 ledger or plan folder; 5 mail server; 6 a brake, or approvals that are missing.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            // Another outbox, unlike another URL, is a matter of the disk.
            Self::Delivery(crate::delivery::Error::Outbox { .. })
            // What does not fit into the memory lies among the runs. Features are written, never read.
            | Self::Features(
                crate::features::Error::Spill { .. }
                | crate::features::Error::Unspill { .. }
                | crate::features::Error::Io { .. }
                | crate::features::Error::Parquet { .. },
            )
            | Self::Tables(crate::tables::Error::Piles(_))
            | Self::Piles(_)
            | Self::Audience(_)
            | Self::Folder(_)
            | Self::Ledger(_)
            | Self::Runs(_)
            | Self::Report(_)
            | Self::Outbox(_)
            | Self::File { .. } => 4,
            Self::Features(crate::features::Error::Little { .. })
            | Self::Usage(_)
            | Self::Job(_)
            | Self::Templates(_)
            | Self::Render(_)
            | Self::Compose(_)
            | Self::Schedule(_)
            | Self::Keys(_)
            | Self::Delivery(_) => 2,
            Self::Import(_) | Self::Purchases(_) | Self::Features(_) | Self::Tables(_) | Self::Data(_) => 3,
            Self::Server(_) => 5,
            Self::Brake { .. } | Self::Unapproved { .. } => 6,
            Self::Several(errors) => errors.first().map_or(2, Self::exit_code),
        }
    }

    /// All of these at once; nothing when there are none.
    pub fn of(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.swap_remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }
}

/// Problems with a place in a file come with their own heading, the others get one here.
fn one_after_the_other(errors: &[Error]) -> String {
    let headed = errors.iter().map(ToString::to_string).map(|text| if text.starts_with("error") { text } else { format!("error: {text}") });
    headed.collect::<Vec<_>>().join("\n\n")
}
