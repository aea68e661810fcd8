//! The listing of a folder, as HTML or JSON.

use std::fmt::Write;
use std::io;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY};
use http::{HeaderValue, Response, StatusCode};
use rustix::fs::Dir;

use super::answer::Asked;
use super::body::FileBody;
use super::files::Files;
use super::folder::{Folder, Kind};
use super::reach::Reach;
use super::respond;
use crate::plan::{FilePath, ListingFormat};

/// Lists the folder that the request names; `None` when it is none.
///
/// Hidden names, links that leave the root, and what is neither a file nor a folder are left
/// out. Beyond 10,000 names the rest is left out, too; HTML says so.
pub(crate) fn answer(
    files: &Files,
    asked: &Asked<'_>,
    reach: Reach,
) -> io::Result<Option<Response<FileBody>>> {
    if reach == Reach::Memory {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let Ok(path) = FilePath::decode(asked.uri.path()) else {
        return Ok(None);
    };
    let Some(listed) = read(files, &path)? else {
        return Ok(None);
    };
    let (content_type, body) = match ListingFormat::choose(asked.headers) {
        ListingFormat::Html => ("text/html; charset=utf-8", html(&path, &listed)),
        ListingFormat::Json => ("application/json; charset=utf-8", json(&listed.entries)),
    };
    let content_type = HeaderValue::from_static(content_type);
    let body = Bytes::from(body);
    let mut response = respond::generated(StatusCode::OK, asked.method, content_type, body);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Names are escaped; should that ever fail, a script in one still does not run.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    Ok(Some(response))
}

struct Listed {
    entries: Vec<Entry>,
    /// Whether there are more.
    is_cut: bool,
}

struct Entry {
    /// Folders are sorted before files.
    is_file: bool,
    name: FilePath,
    len: u64,
    /// Seconds since 1970.
    modified: i64,
}

fn read(files: &Files, path: &FilePath) -> io::Result<Option<Listed>> {
    let Some(root) = files.open_root(Reach::Disk)? else {
        return Ok(None);
    };
    let Some(opened) = root.open(path.as_bytes())? else {
        return Ok(None);
    };
    if opened.kind != Kind::Folder {
        return Ok(None);
    }
    let mut entries = Vec::new();
    let mut is_cut = false;
    for entry in Dir::read_from(&opened.file)? {
        let entry = entry?;
        let inspected = inspect(files, &root, path, entry.file_name().to_bytes())?;
        is_cut = inspected.is_some() && entries.len() == MAX_ENTRIES;
        if is_cut {
            break;
        }
        entries.extend(inspected);
    }
    entries.sort_unstable_by(|a, b| {
        (a.is_file, a.name.as_bytes()).cmp(&(b.is_file, b.name.as_bytes()))
    });
    Ok(Some(Listed { entries, is_cut }))
}

fn inspect(
    files: &Files,
    root: &Folder<'_>,
    folder: &FilePath,
    name: &[u8],
) -> io::Result<Option<Entry>> {
    let below = if folder.as_bytes().is_empty() {
        name.to_vec()
    } else {
        [folder.as_bytes(), b"/", name].concat()
    };
    // It refuses `.` and `..`, and names that no request could ask for.
    let (Ok(name), Ok(path)) = (FilePath::from_name(name), FilePath::from_name(&below)) else {
        return Ok(None);
    };
    if files.is_hidden(&path) {
        return Ok(None);
    }
    let entry = match root.look(&below) {
        Ok(Some((kind @ (Kind::Regular | Kind::Folder), stamp))) => Some(Entry {
            is_file: kind == Kind::Regular,
            name,
            len: stamp.len,
            modified: stamp.modified.0,
        }),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
        Err(error) => return Err(error),
    };
    Ok(entry)
}

fn html(path: &FilePath, listed: &Listed) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>",
    );
    let title = String::from_utf8_lossy(path.as_bytes());
    push_html(&mut page, "/");
    push_html(&mut page, &title);
    page.push_str(
        "</title><style>body{font-family:sans-serif;margin:2em}td{padding:0 2em 0 0}\
         td+td{text-align:right}</style></head>\n<body><h1>",
    );
    push_html(&mut page, "/");
    push_html(&mut page, &title);
    page.push_str("</h1>\n<table>\n");
    if !path.as_bytes().is_empty() {
        page.push_str("<tr><td><a href=\"../\">../</a></td><td></td></tr>\n");
    }
    for entry in &listed.entries {
        let slash = if entry.is_file { "" } else { "/" };
        // The dot before the slash keeps a colon in a name from making it a scheme.
        page.push_str("<tr><td><a href=\".");
        push_html(&mut page, &entry.name.to_request_path());
        page.push_str(slash);
        page.push_str("\">");
        push_html(&mut page, &String::from_utf8_lossy(entry.name.as_bytes()));
        page.push_str(slash);
        page.push_str("</a></td><td>");
        if entry.is_file {
            page.push_str(&entry.len.to_string());
        }
        page.push_str("</td></tr>\n");
    }
    if listed.is_cut {
        page.push_str("<tr><td>and more</td><td></td></tr>\n");
    }
    page.push_str("</table></body></html>\n");
    page
}

fn json(entries: &[Entry]) -> String {
    let mut list = String::from("[");
    for (i, entry) in entries.iter().enumerate() {
        list.push_str(if i == 0 { "\n" } else { ",\n" });
        list.push_str("{\"name\":\"");
        push_json(&mut list, &String::from_utf8_lossy(entry.name.as_bytes()));
        if entry.is_file {
            list.push_str("\",\"type\":\"file\",\"size\":");
            list.push_str(&entry.len.to_string());
        } else {
            list.push_str("\",\"type\":\"directory\"");
        }
        list.push_str(",\"modified\":");
        list.push_str(&entry.modified.to_string());
        list.push('}');
    }
    list.push_str("\n]\n");
    list
}

fn push_html(page: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            char => page.push(char),
        }
    }
}

/// RFC 8259 §7.
fn push_json(list: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '"' => list.push_str("\\\""),
            '\\' => list.push_str("\\\\"),
            '\0'..='\x1f' => {
                write!(list, "\\u{:04X}", u32::from(char)).expect("a string takes every write");
            }
            char => list.push(char),
        }
    }
}

const MAX_ENTRIES: usize = 10_000;
