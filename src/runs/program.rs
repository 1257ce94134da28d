//! Which program made a plan: what the very same program rendered once it renders again.

/// Stands for this version and for the file of the running program, which is not read: its place on the disk, its size, and when it was
/// last written or changed in any way. Another build is another file or a later change. `None` where nothing tells that: on other systems
/// than Linux, and where the program was handed to the system's loader by name, which then is what runs.
pub(super) fn stamp() -> Option<String> {
    let fields = file()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(concat!("rankmail program ", env!("CARGO_PKG_VERSION")).as_bytes());
    for field in fields {
        hasher.update(&field.to_le_bytes());
    }
    Some(hasher.finalize().to_hex().to_string())
}

#[cfg(target_os = "linux")]
fn file() -> Option<[i128; 7]> {
    use std::os::unix::fs::MetadataExt;
    let name = std::env::current_exe().ok()?;
    if name.file_name()?.to_string_lossy().contains(".so") {
        return None;
    }
    // The name may lead to a newer program already; this leads to the one that is running.
    let file = std::fs::metadata("/proc/self/exe").ok()?;
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

#[cfg(not(target_os = "linux"))]
fn file() -> Option<[i128; 7]> {
    None
}
