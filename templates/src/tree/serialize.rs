//! Takes data from serde, value by value.

use std::fmt::{Display, Write};

use serde::Serialize;
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Data, Key, Node, Span, Tree};
use crate::{Error, ErrorKind};

/// Serialises a value into a new tree.
///
/// # Errors
///
/// The value refuses, or a key is no text.
pub(super) fn serialize(value: &(impl Serialize + ?Sized)) -> Result<Tree, Error> {
    let mut tree = Tree {
        nodes: Vec::with_capacity(32),
        text: String::with_capacity(256),
        sorted: Vec::new(),
    };
    value.serialize(Slot {
        tree: &mut tree,
        key: Key::None,
    })?;
    Ok(tree)
}

/// From this many fields on they are searched by bisection.
const MANY_FIELDS: usize = 16;

/// Where the next value goes.
struct Slot<'t> {
    tree: &'t mut Tree,
    key: Key,
}

/// A list or a thing with fields that is being taken.
struct Open<'t> {
    tree: &'t mut Tree,
    at: usize,
    n_items: u32,
    /// The key of the value to come.
    key: Key,
    /// The node around it that names its variant, which ends with it.
    variant: Option<usize>,
}

impl ser::Error for Error {
    fn custom<T: Display>(reason: T) -> Self {
        Self::of(ErrorKind::Data(reason.to_string().into()), "")
    }
}

fn place(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| ser::Error::custom("it is too large"))
}

impl Tree {
    fn push(&mut self, key: Key, data: Data) -> Result<(), Error> {
        let next = place(self.nodes.len() + 1)?;
        self.nodes.push(Node { key, data, next });
        Ok(())
    }

    fn push_text(&mut self, write: impl FnOnce(&mut String)) -> Result<Span, Error> {
        let start = place(self.text.len())?;
        write(&mut self.text);
        let end = place(self.text.len())?;
        Ok(Span { start, end })
    }

    /// Ends a node with what is in it.
    fn close(&mut self, at: usize) -> Result<(), Error> {
        self.nodes[at].next = place(self.nodes.len())?;
        Ok(())
    }

    /// Lists the fields of a node by name, if they are many.
    fn sort(&mut self, at: usize) -> Result<(), Error> {
        let start = self.sorted.len();
        let mut children: Vec<u32> = self.children(place(at)?).collect();
        if children.len() < MANY_FIELDS {
            return Ok(());
        }
        children.sort_by(|&a, &b| self.key(a).cmp(self.key(b)));
        self.sorted.append(&mut children);
        self.nodes[at].data = Data::SortedFields(Span {
            start: place(start)?,
            end: place(self.sorted.len())?,
        });
        Ok(())
    }
}

impl<'t> Slot<'t> {
    fn put(self, data: Data) -> Result<(), Error> {
        self.tree.push(self.key, data)
    }

    fn put_text(self, write: impl FnOnce(&mut String)) -> Result<(), Error> {
        let span = self.tree.push_text(write)?;
        self.put(Data::Text(span))
    }

    fn open(self, data: Data) -> Result<Open<'t>, Error> {
        let at = self.tree.nodes.len();
        self.tree.push(self.key, data)?;
        Ok(Open {
            tree: self.tree,
            at,
            n_items: 0,
            key: Key::None,
            variant: None,
        })
    }

    /// Opens a thing whose one field names a variant, and the variant's content in it.
    fn open_variant(self, variant: &'static str, data: Data) -> Result<Open<'t>, Error> {
        let outer = self.open(Data::Fields)?;
        let at = outer.at;
        let mut open = Slot {
            tree: outer.tree,
            key: Key::Static(variant),
        }
        .open(data)?;
        open.variant = Some(at);
        Ok(open)
    }
}

impl Open<'_> {
    fn put(&mut self, key: Key, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.n_items += 1;
        value.serialize(Slot {
            tree: self.tree,
            key,
        })
    }

    fn end_items(self) -> Result<(), Error> {
        self.tree.nodes[self.at].data = Data::Items(self.n_items);
        self.close()
    }

    fn end_fields(self) -> Result<(), Error> {
        self.tree.close(self.at)?;
        if self.n_items as usize >= MANY_FIELDS {
            self.tree.sort(self.at)?;
        }
        self.close()
    }

    fn close(self) -> Result<(), Error> {
        self.tree.close(self.at)?;
        self.variant.map_or(Ok(()), |outer| self.tree.close(outer))
    }
}

/// Implements the serialisers of values that are kept as one kind of number.
macro_rules! numbers {
    ($($serialize:ident($narrow:ty) $kind:ident($wide:ty);)+) => {$(
        fn $serialize(self, value: $narrow) -> Result<(), Error> {
            self.put(Data::$kind(<$wide>::from(value)))
        }
    )+};
}

impl<'t> Serializer for Slot<'t> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'t>;
    type SerializeTuple = Open<'t>;
    type SerializeTupleStruct = Open<'t>;
    type SerializeTupleVariant = Open<'t>;
    type SerializeMap = Open<'t>;
    type SerializeStruct = Open<'t>;
    type SerializeStructVariant = Open<'t>;

    numbers! {
        serialize_bool(bool) Bool(bool);
        serialize_u8(u8) Unsigned(u64);
        serialize_u16(u16) Unsigned(u64);
        serialize_u32(u32) Unsigned(u64);
        serialize_u64(u64) Unsigned(u64);
        serialize_i8(i8) Signed(i64);
        serialize_i16(i16) Signed(i64);
        serialize_i32(i32) Signed(i64);
        serialize_i64(i64) Signed(i64);
        serialize_f64(f64) Float(f64);
        serialize_char(char) Char(char);
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.collect_str(&value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.collect_str(&value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        // It has fewer digits than the 64-bit number that it would be widened to.
        self.collect_str(&value)
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.put_text(|text| text.push_str(value))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        let mut result = Ok(());
        let span = self
            .tree
            .push_text(|text| result = write!(text, "{value}"))?;
        result.map_err(|_| ser::Error::custom("a value cannot be shown"))?;
        self.put(Data::Text(span))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.put(Data::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.put(Data::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.put(Data::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut open = self.open(Data::Fields)?;
        open.put(Key::Static(variant), value)?;
        open.end_fields()
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Open<'t>, Error> {
        self.open(Data::Items(0))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Open<'t>, Error> {
        self.open(Data::Items(0))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Open<'t>, Error> {
        self.open(Data::Items(0))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Open<'t>, Error> {
        self.open_variant(variant, Data::Items(0))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Open<'t>, Error> {
        self.open(Data::Fields)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Open<'t>, Error> {
        self.open(Data::Fields)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Open<'t>, Error> {
        self.open_variant(variant, Data::Fields)
    }
}

/// Implements the traits of lists, which differ in the names of their methods.
macro_rules! items {
    ($($list:ident::$put:ident;)+) => {$(
        impl $list for Open<'_> {
            type Ok = ();
            type Error = Error;

            fn $put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.put(Key::None, value)
            }

            fn end(self) -> Result<(), Error> {
                self.end_items()
            }
        }
    )+};
}

items! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

/// Implements the traits of things whose fields have names in the program.
macro_rules! fields {
    ($($fields:ident),+) => {$(
        impl $fields for Open<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.put(Key::Static(key), value)
            }

            fn end(self) -> Result<(), Error> {
                self.end_fields()
            }
        }
    )+};
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        // A key is taken as if it were a value, and then made a text.
        let before = self.tree.nodes.len();
        key.serialize(Slot {
            tree: self.tree,
            key: Key::None,
        })?;
        let data = self.tree.nodes.get(before).map(|node| node.data);
        self.tree.nodes.truncate(before);
        let mut write = |shown: &dyn Display| {
            self.tree.push_text(|text| {
                write!(text, "{shown}").expect("numbers write themselves, and strings grow");
            })
        };
        self.key = Key::Text(match data {
            Some(Data::Text(span)) => span,
            Some(Data::Bool(value)) => write(&value)?,
            Some(Data::Unsigned(value)) => write(&value)?,
            Some(Data::Signed(value)) => write(&value)?,
            Some(Data::Float(value)) => write(&value)?,
            Some(Data::Char(value)) => write(&value)?,
            _ => return Err(ser::Error::custom("a key is neither text nor number")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.put(self.key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.end_fields()
    }
}
