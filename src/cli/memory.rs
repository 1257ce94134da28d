//! How much memory a run may take: what was asked for, else half of what the machine or the container has.

use std::path::Path;

/// What a machine is taken to have that does not tell.
const UNKNOWN: u64 = 4 << 30;

/// Reads `2GB`, `512MB`, `1.5G`; a kilobyte has 1,024 bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let written = || "write a size such as 2GB or 512MB".to_owned();
    let digits = text.trim().trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).trim_end();
    let power = match text.trim()[digits.len()..].trim_start().to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(written()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |digits: &str| if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse::<u64>().ok() } else { None };
    let part =
        Some(part).filter(|part| part.len() <= 3).and_then(|part| Some((number(part)?, 10_u64.pow(u32::try_from(part.len()).ok()?))));
    let bytes = number(whole).zip(part).and_then(|(whole, (part, of))| {
        let unit = 1_u64 << power;
        whole.checked_mul(unit)?.checked_add(unit.checked_mul(part)? / of)
    });
    bytes.filter(|bytes| *bytes > 0).ok_or_else(written)
}

/// Half of the machine's memory, or of what its container may take.
pub fn half() -> u64 {
    least(&|path| std::fs::read_to_string(path).ok()).unwrap_or(UNKNOWN) / 2
}

/// The least of what Linux and each of the control groups around this process allow.
fn least(read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let about = read(Path::new("/proc/meminfo"));
    let machine = about.as_deref().and_then(|about| {
        let line = about.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
    });
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (root, file) = match parts.next()? {
            "" => ("/sys/fs/cgroup", "memory.max"),
            kinds if kinds.split(',').any(|kind| kind == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        // Inside a container the path may be that of the machine outside, and the container's own limit lies at the root.
        let own = Path::new(root).join(parts.next()?.trim_start_matches('/'));
        let around = own.ancestors().take_while(|folder| folder.starts_with(root));
        around.filter_map(|folder| read(&folder.join(file))?.trim().parse::<u64>().ok()).min()
    });
    limits.chain(machine).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let cases = [
            ("2GB", 2 << 30),
            ("512MB", 512 << 20),
            ("1.5g", 3 << 29),
            ("1.75GB", 7 << 28),
            ("64 KiB", 65_536),
            ("1T", 1 << 40),
            (" 3M ", 3 << 20),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "2", "GB", "0GB", "-1GB", "2PB", "1.xGB", "1..5GB", "99999999999T", "2 GB 3", "1.5.5G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        least(&|path| files.iter().find(|file| Path::new(file.0) == path).map(|file| file.1.to_owned()))
    }

    #[test]
    fn the_tightest_limit_counts() {
        let about = ("/proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\n");
        assert_eq!(machine(&[about]), Some(16_000_000 << 10));
        let new = ("/proc/self/cgroup", "0::/shop/run\n");
        assert_eq!(
            machine(&[about, new, ("/sys/fs/cgroup/shop/memory.max", "1000\n"), ("/sys/fs/cgroup/memory.max", "max\n")]),
            Some(1_000)
        );
        let old = ("/proc/self/cgroup", "5:cpu,memory:/docker/1\n4:pids:/x\n");
        assert_eq!(machine(&[about, old, ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "77\n")]), Some(77));
        assert_eq!(machine(&[]), None);
    }
}
