//! What a finished command left.

/// A finished command.
#[derive(Debug)]
pub struct Run {
    pub(super) line: String,
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    pub(super) peak_rss: u64,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let shown: String = stdout.chars().take(4000).collect();
        writeln!(f, "$ {}", self.line)?;
        writeln!(
            f,
            "exit {:?}\n--- stdout\n{shown}\n--- stderr\n{}",
            self.code, self.stderr
        )
    }
}

impl Run {
    /// Asserts success.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Asserts the exit code.
    #[track_caller]
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "wanted exit {code}\n{self}");
        self
    }

    /// Asserts that it failed, whatever the code.
    #[track_caller]
    #[must_use]
    pub fn fails(self) -> Self {
        assert!(
            self.code.is_some_and(|code| code != 0),
            "wanted a failure\n{self}"
        );
        self
    }

    /// Asserts that the error output holds `text`, upper and lower case alike.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Self {
        assert!(
            self.stderr.to_lowercase().contains(&text.to_lowercase()),
            "wanted {text:?} in\n{self}"
        );
        self
    }

    /// The exit code; `None` after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// Standard output as bytes.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// Standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Standard output as one JSON document.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }

    /// Standard output as one JSON document a line.
    #[track_caller]
    #[must_use]
    pub fn events(&self) -> Vec<serde_json::Value> {
        let lines = self
            .stdout
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| {
                serde_json::from_slice(line).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
            })
            .collect()
    }

    /// The largest resident set that was seen, in bytes.
    #[must_use]
    pub fn peak_rss(&self) -> u64 {
        self.peak_rss
    }
}
