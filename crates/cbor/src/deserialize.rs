//! Reading records: the other half of `serialize.rs`. Lengths are always announced, as they are when written.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor,
    },
    forward_to_deserialize_any,
};

use crate::{
    Error,
    read::{self, Head, Reader},
    value::{self, MAX_DEPTH},
};

/// Reads a record and nothing after it. Only types that nest into themselves without end could make
/// it recurse, and no record does.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut reader = Reader(bytes);
    let record = T::deserialize(&mut reader)?;
    if reader.0.is_empty() {
        Ok(record)
    } else {
        Err(Error)
    }
}

/// Serde would word each of these for every type.
impl serde::de::Error for Error {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

impl<'de> Reader<'de> {
    /// The argument of an item that must be of this kind.
    fn expect(&mut self, major: u8) -> Result<u64, Error> {
        match self.head()? {
            Head {
                major: found,
                argument: Some(argument),
                ..
            } if found == major => Ok(argument),
            _ => Err(Error),
        }
    }

    fn expect_text(&mut self) -> Result<&'de str, Error> {
        let length = self.expect(read::TEXT)?;
        read::text(self.take(length)?)
    }

    fn expect_bytes(&mut self) -> Result<&'de [u8], Error> {
        let length = self.expect(read::BYTES)?;
        self.take(length)
    }

    fn items<V: Visitor<'de>>(&mut self, left: u64, visitor: V) -> Result<V::Value, Error> {
        let mut items = Items { reader: self, left };
        let value = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(value)
    }

    fn entries<V: Visitor<'de>>(&mut self, left: u64, visitor: V) -> Result<V::Value, Error> {
        let mut items = Items { reader: self, left };
        let value = visitor.visit_map(&mut items)?;
        items.end()?;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let head = self.head()?;
        let argument = head.argument.ok_or(Error)?;
        match head.major {
            read::UNSIGNED => visitor.visit_u64(argument),
            read::NEGATIVE => {
                let number = i64::try_from(argument).map_err(|_| Error)?;
                visitor.visit_i64(!number)
            }
            read::BYTES => visitor.visit_borrowed_bytes(self.take(argument)?),
            read::TEXT => visitor.visit_borrowed_str(read::text(self.take(argument)?)?),
            read::ARRAY => self.items(argument, visitor),
            read::MAP => self.entries(argument, visitor),
            read::SIMPLE if head.info <= 24 => match argument {
                read::FALSE => visitor.visit_bool(false),
                read::TRUE => visitor.visit_bool(true),
                read::NULL | read::UNDEFINED => visitor.visit_unit(),
                _ => Err(Error),
            },
            _ => Err(Error),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.expect(read::SIMPLE)? {
            read::FALSE => visitor.visit_bool(false),
            read::TRUE => visitor.visit_bool(true),
            _ => Err(Error),
        }
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(self.expect(read::UNSIGNED)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.expect_text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.expect_bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if u64::from(self.peek()?) == u64::from(read::SIMPLE) << 5 | read::NULL {
            self.take(1)?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.expect(read::ARRAY)?;
        self.items(length, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.expect(read::MAP)?;
        self.entries(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let holds = self.peek()? >> 5 == read::MAP;
        if holds && self.expect(read::MAP)? != 1 {
            return Err(Error);
        }
        visitor.visit_enum(Variant {
            reader: self,
            holds,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        value::item(self, MAX_DEPTH)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i8 i16 i32 i64 f32 f64 char unit unit_struct }
}

/// What an array or a map holds, of which `left` are yet to be read.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: u64,
}

impl Items<'_, '_> {
    /// Whether there is another one, which is then counted.
    fn more(&mut self) -> bool {
        let more = self.left > 0;
        self.left = self.left.saturating_sub(1);
        more
    }

    fn end(&self) -> Result<(), Error> {
        if self.left == 0 { Ok(()) } else { Err(Error) }
    }

    /// No more than there are bytes.
    fn hint(&self) -> Option<usize> {
        usize::try_from(self.left)
            .ok()
            .map(|left| left.min(self.reader.0.len()))
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.more() {
            seed.deserialize(&mut *self.reader).map(Some)
        } else {
            Ok(None)
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }

    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// A variant: its name, and what it holds if it does.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
    holds: bool,
}

impl<'r, 'de> Variant<'r, 'de> {
    fn content(self) -> Result<&'r mut Reader<'de>, Error> {
        if self.holds {
            Ok(self.reader)
        } else {
            Err(Error)
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = seed.deserialize(&mut *self.reader)?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.holds { Err(Error) } else { Ok(()) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content()?.deserialize_map(visitor)
    }
}
