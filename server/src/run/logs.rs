//! Structured logs on standard error.

use crate::config::{Log, LogFormat};
use crate::exit::{Code, Failure};
use tracing_subscriber::EnvFilter;

/// Starts logging. A second start in one process changes nothing.
pub(crate) fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| {
        Failure::new(
            Code::Config,
            format!("configuration field `log.filter`: `{}`", log.filter),
        )
        .because(error)
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logs were started before");
    }
    Ok(())
}
