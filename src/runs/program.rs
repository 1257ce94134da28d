//! Which program made a plan: what the very same program rendered once it renders again.

/// Stands for the file of the running program, which is not read: its place on the disk, its size, and when it was last written or
/// changed in any way. Another build is another file or a later change. `None` where nothing tells that.
pub(super) fn stamp() -> Option<String> {
    let fields = file()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"rankmail program");
    for field in fields {
        hasher.update(&field.to_le_bytes());
    }
    Some(hasher.finalize().to_hex().to_string())
}

#[cfg(unix)]
fn file() -> Option<[i128; 7]> {
    use std::os::unix::fs::MetadataExt;
    // The name may lead to a newer program already; this leads to the one that is running.
    let running = std::fs::metadata("/proc/self/exe");
    let file = running.or_else(|_| std::fs::metadata(std::env::current_exe()?)).ok()?;
    Some([
        file.dev().into(),
        file.ino().into(),
        file.size().into(),
        file.mtime().into(),
        file.mtime_nsec().into(),
        file.ctime().into(),
        file.ctime_nsec().into(),
    ])
}

#[cfg(not(unix))]
fn file() -> Option<[i128; 7]> {
    None
}
