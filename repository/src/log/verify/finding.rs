//! What can be wrong with a log, in words.

use std::fmt;
use std::ops::Range;

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFinding {
    /// There are fewer entries than there were.
    Shorter {
        /// Entries now.
        size: u64,
        /// Entries under the checkpoint that was held.
        held: u64,
    },
    /// The entries that there were are not the first ones of those that there are.
    Rewritten {
        /// Entries under the checkpoint that was held.
        held: u64,
    },
    /// A tile is missing or has not its length, so that nothing is known of its entries.
    NoTile {
        /// Its name in the log.
        name: String,
        /// Its entries.
        entries: Range<u64>,
    },
    /// A tile is not the one that was signed.
    WrongTile {
        /// Its name in the log.
        name: String,
        /// Its entries.
        entries: Range<u64>,
    },
    /// The unfinished tiles together do not give the root that was signed. Which of them is wrong cannot be told.
    WrongRoot {
        /// Their names in the log.
        names: Vec<String>,
    },
    /// Entries are missing.
    NoEntries {
        /// Which, from 0.
        entries: Range<u64>,
    },
    /// An entry is not the one that was signed.
    WrongEntry {
        /// Which, from 0.
        index: u64,
    },
    /// There are bytes after the last entry of a bundle.
    Surplus {
        /// Its name in the log.
        name: String,
    },
    /// An entry was signed that this version cannot read.
    Unreadable {
        /// Which, from 0.
        index: u64,
    },
    /// More is signed than is public: an appender died, or is at work. The next one finishes it.
    Unfinished {
        /// Entries that are public.
        public: u64,
        /// Entries that are signed.
        head: u64,
    },
    /// The appenders' checkpoint was set back or exchanged: it has fewer entries than the public one, or others.
    HeadDiffers {
        /// Entries that are public.
        public: u64,
        /// Entries that are signed, as appenders see it.
        head: u64,
    },
}

impl LogFinding {
    /// Whether the log was tampered with or damaged; otherwise it is a remark.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        !matches!(self, Self::Unreadable { .. } | Self::Unfinished { .. })
    }
}

impl fmt::Display for LogFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |entries: &Range<u64>| format!("entries {} to {}", entries.start, entries.end - 1);
        match self {
            Self::Shorter { size, held } => {
                write!(f, "{size} entries, and there were {held}: entries were cut off")
            }
            Self::Rewritten { held } => write!(f, "the first {held} entries are not those that there were"),
            Self::NoTile { name, entries } => {
                write!(f, "{name}: missing or of a wrong length ({})", span(entries))
            }
            Self::WrongTile { name, entries } => write!(f, "{name}: not what was signed ({})", span(entries)),
            Self::WrongRoot { names } => write!(f, "{}: not what was signed, at least one", names.join(", ")),
            Self::NoEntries { entries } if entries.end - entries.start == 1 => {
                write!(f, "entry {} is missing", entries.start)
            }
            Self::NoEntries { entries } => write!(f, "{} are missing", span(entries)),
            Self::WrongEntry { index } => write!(f, "entry {index} is not the one that was signed"),
            Self::Surplus { name } => write!(f, "{name}: there are bytes after its last entry"),
            Self::Unreadable { index } => {
                write!(f, "entry {index} is of a kind that this version does not know")
            }
            Self::Unfinished { public, head } => write!(
                f,
                "{head} entries are signed and {public} of them are public; the next publisher finishes it"
            ),
            Self::HeadDiffers { public, head } => write!(
                f,
                "private/log/head has {head} entries and contradicts the public checkpoint, which has {public}"
            ),
        }
    }
}
