//! Durations as people write them.

use std::time::Duration;

/// Parses `90s`, `15m`, `24h`, `7d`; the number is a positive whole one.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    const SHAPE: &str = "is not a duration such as \"90s\", \"15m\", \"24h\" or \"7d\"";
    let unit = text.chars().next_back().ok_or(SHAPE)?;
    let seconds_per = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(SHAPE),
    };
    let digits = text.strip_suffix(unit).ok_or(SHAPE)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SHAPE);
    }
    let number: u64 = digits.parse().map_err(|_| "is too long")?;
    let seconds = number.checked_mul(seconds_per).ok_or("is too long")?;
    match seconds {
        0 => Err("must be longer than nothing"),
        1..=315_360_000 => Ok(Duration::from_secs(seconds)),
        _ => Err("is longer than ten years"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("15m", 900),
            ("24h", 86_400),
            ("7d", 604_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "0s",
            "-1s",
            "1",
            "1.5h",
            "1 h",
            "1w",
            "é",
            "99999999999999999999s",
            "4000d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
