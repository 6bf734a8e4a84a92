//! Parsers of option values for which completions offer some values, while others are accepted as well.

use std::error::Error;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

/// A parser of values of type `T` that offers some values for completion.
#[derive(Debug, Clone)]
pub struct Offered<T> {
    values: &'static [&'static str],
    read: PhantomData<fn() -> T>,
}

impl<T> Offered<T> {
    /// Creates a parser that offers `values`.
    pub const fn new(values: &'static [&'static str]) -> Offered<T> {
        Offered { values, read: PhantomData }
    }
}

impl<T> TypedValueParser for Offered<T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: Into<Box<dyn Error + Send + Sync>>,
{
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        StringValueParser::new().try_map(|text| text.parse::<T>()).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.values.iter().map(PossibleValue::new)))
    }
}
