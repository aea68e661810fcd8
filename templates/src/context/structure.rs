//! The macro that makes a struct a context.

/// Implements [`Context`](crate::Context) for a struct, from a list of its fields.
///
/// `field as "name"` shows a field under an other name. What is shown must itself have `Context`.
///
/// ```
/// use astatine_templates::{Template, context};
///
/// struct Team<'a> {
///     name: &'a str,
///     score: u32,
///     is_first: bool,
/// }
///
/// context! { Team<'a> { name, score, is_first as "champion" } }
///
/// let team = Team { name: "Jiangsu", score: 43, is_first: true };
/// let template = Template::compile("{{#champion}}* {{/champion}}{{name}} {{score}}")?;
/// assert_eq!(template.render(&team)?, "* Jiangsu 43");
/// # Ok::<(), astatine_templates::Error>(())
/// ```
#[macro_export]
macro_rules! context {
    ($($name:ident $(<$($lifetime:lifetime),+>)? {
        $($field:ident $(as $shown:literal)?),* $(,)?
    })+) => {$(
        impl $(<$($lifetime),+>)? $crate::Context for $name $(<$($lifetime),+>)? {
            fn value(&self) -> $crate::Value<'_> {
                $crate::Value::fields(self)
            }

            #[inline]
            fn field(&self, name: &str) -> $crate::Value<'_> {
                $(if name == $crate::context!(@name $field $($shown)?) {
                    return $crate::Context::value(&self.$field);
                })*
                $crate::Value::MISSING
            }
        }
    )+};
    (@name $field:ident) => { ::core::stringify!($field) };
    (@name $field:ident $shown:literal) => { $shown };
}
