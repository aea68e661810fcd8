//! The data that the standard library has names for.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::rc::Rc;
use std::sync::Arc;

use super::{Context, Items, Lambda, Value};

macro_rules! copied {
    ($($copied:ty),+) => {$(
        impl Context for $copied {
            fn value(&self) -> Value<'_> {
                Value::from(*self)
            }
        }
    )+};
}

copied!(
    bool, char, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f64
);

macro_rules! displayed {
    ($($displayed:ty),+) => {$(
        impl Context for $displayed {
            fn value(&self) -> Value<'_> {
                Value::display(self)
            }
        }
    )+};
}

// A 32-bit float has fewer digits than the 64-bit one that it would be widened to.
displayed!(u128, i128, f32, std::net::IpAddr, std::net::SocketAddr);

impl Context for () {
    fn value(&self) -> Value<'_> {
        Value::NULL
    }
}

impl Context for str {
    fn value(&self) -> Value<'_> {
        Value::from(self)
    }
}

impl Context for String {
    fn value(&self) -> Value<'_> {
        Value::from(self.as_str())
    }
}

impl<T: Context> Context for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::NULL, T::value)
    }
}

macro_rules! dereferenced {
    ($([$($generics:tt)+] $pointer:ty;)+) => {$(
        impl<$($generics)+> Context for $pointer {
            fn value(&self) -> Value<'_> {
                (**self).value()
            }

            fn field(&self, name: &str) -> Value<'_> {
                (**self).field(name)
            }
        }
    )+};
}

dereferenced! {
    [T: Context + ?Sized] &T;
    [T: Context + ?Sized] Box<T>;
    [T: Context + ?Sized] Rc<T>;
    [T: Context + ?Sized] Arc<T>;
    [T: Context + ToOwned + ?Sized] Cow<'_, T>;
}

macro_rules! list {
    ($([$($generics:tt)+] $list:ty;)+) => {$(
        impl<$($generics)+> Context for $list {
            fn value(&self) -> Value<'_> {
                Value::items(self)
            }
        }

        impl<$($generics)+> Items for $list {
            fn len(&self) -> usize {
                Self::len(self)
            }

            #[inline]
            fn item(&self, index: usize) -> Value<'_> {
                self.get(index).map_or(Value::MISSING, T::value)
            }
        }
    )+};
}

list! {
    [T: Context] Vec<T>;
    [T: Context] VecDeque<T>;
}

impl<T: Context, const N: usize> Context for [T; N] {
    fn value(&self) -> Value<'_> {
        Value::items(self)
    }
}

impl<T: Context, const N: usize> Items for [T; N] {
    fn len(&self) -> usize {
        N
    }

    #[inline]
    fn item(&self, index: usize) -> Value<'_> {
        self.get(index).map_or(Value::MISSING, T::value)
    }
}

impl<T: Context> Context for &[T] {
    fn value(&self) -> Value<'_> {
        Value::items(self)
    }
}

impl<T: Context> Items for &[T] {
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    #[inline]
    fn item(&self, index: usize) -> Value<'_> {
        self.get(index).map_or(Value::MISSING, T::value)
    }
}

impl<K, V, S> Context for HashMap<K, V, S>
where
    K: Borrow<str> + Eq + Hash,
    V: Context,
    S: BuildHasher,
{
    fn value(&self) -> Value<'_> {
        Value::fields(self)
    }

    fn field(&self, name: &str) -> Value<'_> {
        self.get(name).map_or(Value::MISSING, V::value)
    }
}

impl<K: Borrow<str> + Ord, V: Context> Context for BTreeMap<K, V> {
    fn value(&self) -> Value<'_> {
        Value::fields(self)
    }

    fn field(&self, name: &str) -> Value<'_> {
        self.get(name).map_or(Value::MISSING, V::value)
    }
}

impl Context for dyn Lambda + '_ {
    fn value(&self) -> Value<'_> {
        Value::lambda(self)
    }
}

impl Context for dyn Lambda + Send + Sync + '_ {
    fn value(&self) -> Value<'_> {
        Value::lambda(self)
    }
}
