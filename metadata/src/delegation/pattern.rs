//! Shell patterns over target paths (TUF 4.5), as python-tuf reads them.

use std::fmt;

/// Longest pattern, bytes.
const MAX_PATTERN: usize = 1024;

/// A pattern such as `acme/*/fw-?.img`: `*` is any characters, `?` one, `[a-z]` and `[!a-z]` one of a set or one outside it.
///
/// None of them matches a `/`: a pattern and the paths that it matches have equally many segments. Upper and lower case
/// differ. There is no escape; `[*]` is a star, and a `[` that nothing closes is itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern(String);

impl PathPattern {
    /// The pattern, unless it has more than 1024 bytes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= MAX_PATTERN).then(|| Self(text.to_owned()))
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `path` is one of the paths that are meant.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        by_segment(&self.0, path, |segment| {
            segment.chars().map(Token::Just).collect()
        })
    }

    /// Whether every path that `other` matches is one that this pattern matches. It may say no where the answer is yes, but
    /// only for patterns that both have wildcards; it never says yes where the answer is no.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        by_segment(&self.0, &other.0, tokens)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one character or wildcard of a segment stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'a> {
    /// `*`
    Many,
    /// `?`
    One,
    /// What stands between brackets.
    Set(&'a str),
    /// A character.
    Just(char),
}

impl Token<'_> {
    /// Whether this token, which stands for one character, matches whatever `other` does.
    fn takes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Many, _) | (_, Self::Many) => false,
            (Self::One, _) => true,
            (Self::Set(set), Self::Just(found)) => is_in(set, found),
            _ => self == other,
        }
    }
}

fn by_segment<'a>(pattern: &'a str, other: &'a str, read: impl Fn(&'a str) -> Vec<Token<'a>>) -> bool {
    pattern.split('/').count() == other.split('/').count()
        && pattern
            .split('/')
            .zip(other.split('/'))
            .all(|(ours, theirs)| covers(&tokens(ours), &read(theirs)))
}

/// Glob matching with one point to go back to, the last `*`: what came before it need not be tried again.
fn covers(ours: &[Token<'_>], theirs: &[Token<'_>]) -> bool {
    let (mut our, mut their) = (0, 0);
    let mut back = None;
    while let Some(&wanted) = theirs.get(their) {
        match (ours.get(our), back) {
            (Some(Token::Many), _) => {
                our += 1;
                back = Some((our, their));
            }
            (Some(token), _) if token.takes(wanted) => {
                our += 1;
                their += 1;
            }
            (_, Some((after_star, taken))) => {
                our = after_star;
                their = taken + 1;
                back = Some((after_star, their));
            }
            (_, None) => return false,
        }
    }
    ours.iter().skip(our).all(|token| *token == Token::Many)
}

fn tokens(segment: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = segment;
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '*' => (Token::Many, 1),
            '?' => (Token::One, 1),
            '[' => match closing(rest) {
                Some(end) => (Token::Set(&rest[1..end]), end + 1),
                None => (Token::Just('['), 1),
            },
            other => (Token::Just(other), other.len_utf8()),
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

/// Where the `]` is that closes the set at the start of `rest`. One that stands first belongs to the set.
fn closing(rest: &str) -> Option<usize> {
    let start = if rest.starts_with("[!") { 2 } else { 1 };
    let first = rest[start..].chars().next()?;
    let after = start + first.len_utf8();
    rest[after..].find(']').map(|at| after + at)
}

/// Whether a set such as `a-z_` or `!0-9` holds a character; a `-` at either end is itself.
fn is_in(set: &str, wanted: char) -> bool {
    let (members, outside) = match set.strip_prefix('!') {
        Some(members) => (members, true),
        None => (set, false),
    };
    let mut rest = members.chars();
    let mut found = false;
    while let Some(first) = rest.next() {
        let mut ahead = rest.clone();
        if let (Some('-'), Some(last)) = (ahead.next(), ahead.next()) {
            found |= (first..=last).contains(&wanted);
            rest = ahead;
        } else {
            found |= first == wanted;
        }
    }
    found != outside
}
