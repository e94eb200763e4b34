//! Values: any well-formed CBOR, of which only what our formats use is kept.

use crate::{
    Error, Writer,
    read::{self, Head, Reader},
};

/// Items within items, beyond which reading is refused rather than followed.
pub const MAX_DEPTH: usize = 256;

/// One item and all within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number, not negative.
    Number(u64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Items in order.
    Array(Vec<Value>),
    /// Keys with their items, in the order in which they stand, doubles included.
    Map(Vec<(Value, Value)>),
    /// Well-formed, and nothing that a format of ours uses: negative, floating, true, null, tagged. Written
    /// as null.
    Other,
}

impl Value {
    /// Reads one item and nothing after it, with at most `depth` levels of items in items.
    pub fn read(bytes: &[u8], depth: usize) -> Result<Self, Error> {
        let mut reader = Reader(bytes);
        let value = item(&mut reader, depth)?;
        if reader.0.is_empty() {
            Ok(value)
        } else {
            Err(Error)
        }
    }

    /// The number that it is.
    pub fn as_number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The bytes that it is.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The bytes that it is, or what else it is.
    pub fn into_bytes(self) -> Result<Vec<u8>, Self> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            other => Err(other),
        }
    }

    /// The text that it is, or what else it is.
    pub fn into_text(self) -> Result<String, Self> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(other),
        }
    }

    /// The items that it is.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The items that it is, or what else it is.
    pub fn into_array(self) -> Result<Vec<Self>, Self> {
        match self {
            Self::Array(items) => Ok(items),
            other => Err(other),
        }
    }

    /// The keys and items that it is, or what else it is.
    pub fn into_map(self) -> Result<Vec<(Self, Self)>, Self> {
        match self {
            Self::Map(entries) => Ok(entries),
            other => Err(other),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Number(number) => writer.number(*number),
            Self::Bytes(bytes) => writer.bytes(bytes),
            Self::Text(text) => writer.text(text),
            Self::Array(items) => {
                writer.array(items.len());
                for item in items {
                    item.write(writer);
                }
            }
            Self::Map(entries) => {
                writer.map(entries.len());
                for (key, item) in entries {
                    key.write(writer);
                    item.write(writer);
                }
            }
            Self::Other => writer.null(),
        }
    }
}

/// Reads an item. Vectors grow with what is read, never with what is announced.
pub(crate) fn item(reader: &mut Reader<'_>, depth: usize) -> Result<Value, Error> {
    let head = reader.head()?;
    let inside = depth.checked_sub(1).ok_or(Error);
    match head.major {
        read::UNSIGNED => Ok(head.argument.map_or(Value::Other, Value::Number)),
        read::NEGATIVE => Ok(Value::Other),
        // False, true, null, undefined; what is written longer is floating. The rest has no meaning yet.
        read::SIMPLE => match head.argument {
            Some(read::FALSE..=read::UNDEFINED) => Ok(Value::Other),
            Some(_) if head.info > 24 => Ok(Value::Other),
            _ => Err(Error),
        },
        read::BYTES => string(reader, head).map(Value::Bytes),
        read::TEXT => {
            let text = String::from_utf8(string(reader, head)?);
            text.map(Value::Text).map_err(|_| Error)
        }
        read::ARRAY => {
            let (mut items, mut left) = (Vec::new(), head.argument);
            while reader.more(&mut left)? {
                items.push(item(reader, inside?)?);
            }
            Ok(Value::Array(items))
        }
        read::MAP => {
            let (mut entries, mut left) = (Vec::new(), head.argument);
            while reader.more(&mut left)? {
                let key = item(reader, inside?)?;
                entries.push((key, item(reader, inside?)?));
            }
            Ok(Value::Map(entries))
        }
        _ => item(reader, inside?).map(|_| Value::Other),
    }
}

/// The bytes of a string, which may come in parts.
fn string(reader: &mut Reader<'_>, head: Head) -> Result<Vec<u8>, Error> {
    if let Some(length) = head.argument {
        return Ok(reader.take(length)?.to_vec());
    }
    let mut bytes = Vec::new();
    while reader.more(&mut None)? {
        let part = reader.head()?;
        if part.major != head.major {
            return Err(Error);
        }
        let part = reader.take(part.argument.ok_or(Error)?)?;
        if head.major == read::TEXT {
            read::text(part)?;
        }
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}
