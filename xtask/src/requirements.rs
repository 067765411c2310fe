//! `docs/requirements.txt`: what is asked of us, and for which of it there is no test.

/// Where the list is kept.
pub(crate) const FILE: &str = "docs/requirements.txt";

/// One line of the list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Requirement<'a> {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Letter of the heading above it.
    pub(crate) group: &'a str,
    pub(crate) id: &'a str,
    pub(crate) level: &'a str,
    pub(crate) mark: Mark<'a>,
}

impl Requirement<'_> {
    /// Whether it has to have a test, or a word on why not.
    pub(crate) fn is_mandatory(&self) -> bool {
        self.level.starts_with("MUST")
    }
}

/// What the list says about a requirement beside what it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mark<'a> {
    /// Nothing: a test shows it.
    None,
    /// It waits for its test.
    Open,
    /// It needs none, and this is why.
    Waived(&'a str),
    /// A word that the list does not know.
    Unknown(&'a str),
}

/// The requirements in `text`, and the lines that are none.
pub(crate) fn parse(text: &str) -> (Vec<Requirement<'_>>, Vec<usize>) {
    let (mut requirements, mut strange) = (Vec::new(), Vec::new());
    let mut group = "";
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(heading) = text.strip_prefix("## ") {
            group = heading.split('.').next().unwrap_or_default();
        } else if !text.is_empty() && !text.starts_with('#') {
            let cells: Vec<&str> = text.split(" | ").collect();
            match cells[..] {
                [id, level, _who, _what] => requirements.push(Requirement {
                    line,
                    group,
                    id,
                    level,
                    mark: Mark::None,
                }),
                [id, level, _who, _what, mark] => requirements.push(Requirement {
                    line,
                    group,
                    id,
                    level,
                    mark: self::mark(mark),
                }),
                _ => strange.push(line),
            }
        }
    }
    (requirements, strange)
}

fn mark(text: &str) -> Mark<'_> {
    match text.strip_prefix("waived: ") {
        Some(reason) if !reason.trim().is_empty() => Mark::Waived(reason),
        _ if text == "open" => Mark::Open,
        _ => Mark::Unknown(text),
    }
}

/// `text` without the word "open" behind everything that `is_shown`.
pub(crate) fn closed(text: &str, is_shown: impl Fn(&str) -> bool) -> String {
    let lines = text.lines().map(|line| match line.strip_suffix(" | open") {
        Some(rest) if line.split(" | ").next().is_some_and(&is_shown) => rest,
        _ => line,
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# words\n\n## A. Group\nU-1 | MUST | ECU | This.\nU-2 | SHOULD | DIR | That. | open\n\
                        ## B. Other\nU-3 | MUST | ECU | More. | waived: no ECU\nU-4 | MUST\n";

    #[test]
    fn lines_are_read_with_their_group_and_mark() {
        let (requirements, strange) = parse(TEXT);
        let found: Vec<_> = requirements
            .iter()
            .map(|found| {
                (
                    found.line,
                    found.group,
                    found.id,
                    found.is_mandatory(),
                    &found.mark,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (4, "A", "U-1", true, &Mark::None),
                (5, "A", "U-2", false, &Mark::Open),
                (7, "B", "U-3", true, &Mark::Waived("no ECU")),
            ]
        );
        assert_eq!(strange, [8]);
    }

    #[test]
    fn what_is_no_mark_is_told() {
        for text in ["waived", "waived: ", "Open", ""] {
            assert_eq!(mark(text), Mark::Unknown(text));
        }
    }

    #[test]
    fn what_is_shown_is_not_open() {
        assert_eq!(closed(TEXT, |id| id == "U-2"), TEXT.replace(" | open", ""));
        assert_eq!(closed(TEXT, |id| id == "U-3"), TEXT);
    }
}
