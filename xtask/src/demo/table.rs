//! The closing table of the demonstration: step, bytes, seconds, rate.

use std::time::Duration;

/// One finished step.
#[derive(Debug)]
struct Row {
    step: String,
    bytes: Option<u64>,
    took: Duration,
    outcome: String,
}

/// The steps so far, in order.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a step and says on one line that it is done.
    pub(super) fn add(&mut self, step: &str, bytes: Option<u64>, took: Duration, outcome: &str) {
        println!("  done in {:>6.2} s  {step}: {outcome}", took.as_secs_f64());
        self.rows.push(Row {
            step: step.to_owned(),
            bytes,
            took,
            outcome: outcome.to_owned(),
        });
    }

    /// The plain table, one line a step.
    pub(super) fn render(&self) -> String {
        let width = self.rows.iter().map(|row| row.step.len()).max().unwrap_or(4);
        let mut text = format!(
            "{:<width$}  {:>14}  {:>8}  {:>11}  outcome\n",
            "step", "bytes", "seconds", "rate"
        );
        for row in &self.rows {
            let bytes = row
                .bytes
                .map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
            text.push_str(&format!(
                "{:<width$}  {bytes:>14}  {:>8.2}  {:>11}  {}\n",
                row.step,
                row.took.as_secs_f64(),
                rate(row.bytes, row.took),
                row.outcome
            ));
        }
        text
    }
}

/// `bytes / took` in MB/s (10^6 bytes a second), or a dash where either is missing.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate for people, three digits are enough"
)]
fn rate(bytes: Option<u64>, took: Duration) -> String {
    match bytes {
        Some(bytes) if !took.is_zero() => format!("{:.0} MB/s", bytes as f64 / 1e6 / took.as_secs_f64()),
        _ => "-".to_owned(),
    }
}
