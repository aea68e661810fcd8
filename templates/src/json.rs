//! JSON values as data.

use serde_json::{Map, Value as Json};

use crate::{Context, Value};

impl Context for Json {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::NULL,
            Self::Bool(value) => Value::from(*value),
            Self::Number(number) => {
                if let Some(value) = number.as_u64() {
                    Value::from(value)
                } else if let Some(value) = number.as_i64() {
                    Value::from(value)
                } else {
                    number.as_f64().map_or(Value::NULL, Value::from)
                }
            }
            Self::String(text) => Value::from(text.as_str()),
            Self::Array(items) => Value::items(items),
            Self::Object(fields) => fields.value(),
        }
    }

    fn field(&self, name: &str) -> Value<'_> {
        self.get(name).map_or(Value::MISSING, Self::value)
    }
}

impl Context for Map<String, Json> {
    fn value(&self) -> Value<'_> {
        Value::fields(self)
    }

    fn field(&self, name: &str) -> Value<'_> {
        self.get(name).map_or(Value::MISSING, Json::value)
    }
}
