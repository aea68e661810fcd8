//! A second reader of event streams: the whole text at once, in the words of WHATWG HTML §9.2.6.

#![forbid(unsafe_code)]

/// What a client makes of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Type, data and last id of each event.
    pub events: Vec<(String, String, String)>,
    /// The id that the next request would carry.
    pub last_event_id: String,
    /// The retry time in milliseconds.
    pub retry: Option<u64>,
}

/// Reads a stream that has ended.
pub fn read(stream: &[u8]) -> Seen {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let Some((lines, _without_end)) = text.rsplit_once('\n') else {
        return Seen::default();
    };
    let mut seen = Seen::default();
    let (mut data, mut event_type, mut id) = (String::new(), String::new(), String::new());
    for line in lines.split('\n') {
        if line.is_empty() {
            seen.last_event_id = id.clone();
            let event_type = std::mem::take(&mut event_type);
            if let Some(data) = std::mem::take(&mut data).strip_suffix('\n') {
                let event_type = match event_type.as_str() {
                    "" => String::from("message"),
                    other => other.to_owned(),
                };
                seen.events.push((event_type, data.to_owned(), id.clone()));
            }
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => data.extend([value, "\n"]),
            "event" => event_type = value.to_owned(),
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                seen.retry = Some(value.parse().unwrap_or(u64::MAX));
            }
            _ => {}
        }
    }
    seen
}
