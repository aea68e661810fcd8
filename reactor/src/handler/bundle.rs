//! Messages that leave together.

use std::cell::OnceCell;

use bytes::Bytes;

use super::message::N_FORMS;
use super::{Encoding, Form, Message};

/// Messages for many connections, encoded behind each other once for all that share a form.
#[derive(Debug)]
pub struct Bundle<'a> {
    messages: Vec<&'a Message>,
    forms: [OnceCell<Bytes>; N_FORMS],
    payloads: OnceCell<Bytes>,
}

impl<'a> Bundle<'a> {
    /// Puts messages together, in order.
    pub fn new(messages: impl IntoIterator<Item = &'a Message>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            forms: Default::default(),
            payloads: OnceCell::new(),
        }
    }

    /// Returns the messages as they are encoded for a connection; `None` where not all have one form.
    pub(super) fn encoded(&self, encoding: Encoding) -> Option<&Bytes> {
        match encoding {
            Encoding::Payload => Some(self.payloads.get_or_init(|| {
                let payloads = self.messages.iter().map(|message| &message.payload()[..]);
                Bytes::from(payloads.collect::<Vec<_>>().concat())
            })),
            Encoding::Shared { form, encode, .. } => self.in_form(form, encode),
            Encoding::Alone => None,
        }
    }

    /// Returns the messages in the form that all of them have; `None` where they differ in it.
    fn in_form(
        &self,
        form: fn(&Message) -> Form,
        encode: fn(&Message, &mut Vec<u8>),
    ) -> Option<&Bytes> {
        let (first, others) = self.messages.split_first()?;
        let of_all = form(first);
        if others.iter().any(|message| form(message) != of_all) {
            return None;
        }
        let encoded = self.forms[of_all as usize].get_or_init(|| {
            let messages = self.messages.iter();
            let pieces: Vec<Bytes> = messages.map(|m| m.encoded(of_all, encode)).collect();
            Bytes::from(pieces.concat())
        });
        Some(encoded)
    }
}
