//! One run of one program: wall time, CPU time, peak memory. From `/proc`, so Linux only.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// What a run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    pub(super) wall_seconds: f64,
    pub(super) cpu_seconds: f64,
    pub(super) peak_mib: f64,
}

/// Clock ticks a second in `/proc/PID/stat`: fixed at 100 for programs on Linux.
const TICKS_PER_SECOND: f64 = 100.0;
const POLL: Duration = Duration::from_millis(1);

/// Runs a command to its end.
pub(super) fn measure(command: &mut Command) -> Result<Cost, Failure> {
    let name = format!("{command:?}");
    let start = stopwatch();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.map_err(|error| Failure::at(&name, error))?;
    let mut cost = Cost {
        wall_seconds: 0.0,
        cpu_seconds: 0.0,
        peak_mib: 0.0,
    };
    // The kernel keeps the figures of a program that has ended until it is waited for.
    loop {
        let stat = Stat::read(child.id())?;
        cost.cpu_seconds = stat.cpu_seconds;
        if stat.ended {
            cost.wall_seconds = start.elapsed().as_secs_f64();
            break;
        }
        cost.peak_mib = peak_mib(child.id()).unwrap_or(cost.peak_mib).max(cost.peak_mib);
        thread::sleep(POLL);
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(cost);
    }
    Err(Failure::new(format!(
        "{name} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// CPU time of a running process and those of its threads.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    Stat::read(pid).map(|stat| stat.cpu_seconds)
}

/// Peak resident memory of a running process.
pub(super) fn peak_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024.0)
}

struct Stat {
    ended: bool,
    cpu_seconds: f64,
}

impl Stat {
    fn read(pid: u32) -> Result<Self, Failure> {
        let path = format!("/proc/{pid}/stat");
        let text = fs::read_to_string(&path).map_err(|error| Failure::at(&path, error))?;
        Self::parse(&text).ok_or_else(|| Failure::new(format!("{path} has an unknown form")))
    }

    /// The name in parentheses may hold anything; the state and fields 14 and 15 come after it: the times of the process
    /// and its threads, as user and in the kernel.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some(Self {
            ended: matches!(*fields.first()?, "Z" | "X"),
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
        })
    }
}

/// What two runs took, one after the other.
pub(super) fn sum(one: Cost, other: Cost) -> Cost {
    Cost {
        wall_seconds: one.wall_seconds + other.wall_seconds,
        cpu_seconds: one.cpu_seconds + other.cpu_seconds,
        peak_mib: one.peak_mib.max(other.peak_mib),
    }
}

/// The middle one of the costs by wall time, with the middle CPU time and the highest peak.
pub(super) fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Cost {
        wall_seconds: middle(|cost| cost.wall_seconds),
        cpu_seconds: middle(|cost| cost.cpu_seconds),
        peak_mib: costs.iter().map(|cost| cost.peak_mib).fold(0.0, f64::max),
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
pub(super) fn stopwatch() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = Stat::parse("7 (a) b (c) Z 1 7 7 0 -1 0 0 0 0 0 250 50 0 0 20 0").unwrap();
        assert!(stat.ended);
        assert!((stat.cpu_seconds - 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_median_of_three_is_the_second() {
        let cost = |wall_seconds| Cost {
            wall_seconds,
            cpu_seconds: 1.0,
            peak_mib: wall_seconds,
        };
        let middle = median(&[cost(3.0), cost(1.0), cost(2.0)]);
        assert_eq!(
            middle,
            Cost {
                wall_seconds: 2.0,
                cpu_seconds: 1.0,
                peak_mib: 3.0
            }
        );
    }
}
