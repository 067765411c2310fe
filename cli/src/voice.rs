//! What is said on stderr beside the result: lines for people, with `--json` one object a line.
//!
//! Stderr is one for the whole process, and the log and the thread that waits for signals speak there without a
//! [`World`](crate::World). So how is said once, by [`speak`].

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::Cli;

static JSON: AtomicBool = AtomicBool::new(false);

/// From now on everything is said as this command line wants it.
pub fn speak(cli: &Cli) {
    JSON.store(cli.json, Ordering::Relaxed);
}

/// Something good to know.
pub(crate) fn note(text: &str) {
    remark("note", text);
}

/// Something dangerous not to know.
pub(crate) fn warn(text: &str) {
    remark("warning", text);
}

/// `text` without what moves a terminal's cursor or looks like a line of ours: tokens and servers have words in it.
pub(crate) fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => tame += "\n    ",
            c if c.is_control() => tame.push(char::REPLACEMENT_CHARACTER),
            c => tame.push(c),
        }
    }
    tame
}

/// `text` on one line, with `\u{…}` for all that a terminal would not show or would show elsewhere: for what a stranger wrote
/// into something that is to be signed.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => line.push(c),
            c => line.extend(c.escape_debug()),
        }
    }
    line
}

/// Says `text` as it is, and with it the end of the line. Whoever read this may be gone, which is no reason to panic.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

fn remark(kind: &str, text: &str) {
    say(&line(kind, text, JSON.load(Ordering::Relaxed)));
}

fn line(kind: &str, text: &str, json: bool) -> String {
    match json {
        true => json!({kind: text}).to_string(),
        false => format!("{kind}: {}", tame(text)),
    }
}

/// Where the log of the libraries goes, one write an event: it holds warnings and nothing else.
#[derive(Debug)]
pub struct Log;

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        warn(String::from_utf8_lossy(event).trim());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{line, one_line, tame};

    #[test]
    fn what_others_say_moves_no_cursor_and_forges_no_line() {
        let label = "token\u{1b}[2K\r\n  next: rm -rf /\u{9b}1A";
        let tamed = "token\u{fffd}[2K\u{fffd}\n      next: rm -rf /\u{fffd}1A";
        assert_eq!(tame(label), tamed);
        assert_eq!(line("note", label, false), format!("note: {tamed}"));
    }

    #[test]
    fn one_line_hides_nothing_and_turns_nothing_round() {
        let text = "a\nb\u{202e}c\u{200b}d\u{2066}e\u{e0041}f\u{1b}g é\"'\\";
        let shown = "a\\nb\\u{202e}c\\u{200b}d\\u{2066}e\\u{e0041}f\\u{1b}g é\"'\\";
        assert_eq!(one_line(text), shown);
    }

    #[test]
    fn a_remark_is_one_line_for_machines_whatever_it_holds() {
        assert_eq!(line("warning", "so it is", false), "warning: so it is");
        let text = "two\n\"lines\"";
        let said = line("note", text, true);
        assert!(!said.contains('\n'), "{said}");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said, serde_json::json!({"note": text}));
    }
}
