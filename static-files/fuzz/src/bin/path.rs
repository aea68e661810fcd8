//! The path of a request: whatever it decodes to stays below the root, and is found again.
#![no_main]

use astatine_static_files::plan::FilePath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(target) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(path) = FilePath::decode(target) else {
        return;
    };
    let name = path.as_bytes();
    assert!(target.starts_with('/'));
    assert!(!name.iter().any(|byte| matches!(byte, 0 | b'\\')));
    if !name.is_empty() {
        for segment in name.split(|byte| *byte == b'/') {
            assert!(![&b""[..], b".", b".."].contains(&segment));
        }
    }
    assert_eq!(path.is_folder(), target.ends_with('/'));
    // Escaped wholly, or given as a name, it is the same.
    let mut escaped = String::new();
    for byte in name.iter().copied() {
        escaped.push_str(&match byte {
            b'/' => String::from("/"),
            _ => format!("%{byte:02x}"),
        });
    }
    let end = match path.is_folder() && !name.is_empty() {
        true => "/",
        false => "",
    };
    assert_eq!(
        FilePath::decode(&format!("/{escaped}{end}")),
        Ok(path.clone())
    );
    assert_eq!(
        FilePath::from_name(&[name, end.as_bytes()].concat()),
        Ok(path.clone())
    );
    let segments = || name.split(|byte| *byte == b'/');
    let is_dotted = |segment: &[u8]| segment.starts_with(b".");
    let is_known = segments().next() == Some(b".well-known");
    assert_eq!(
        path.is_hidden(),
        segments().skip(usize::from(is_known)).any(is_dotted)
    );
});
