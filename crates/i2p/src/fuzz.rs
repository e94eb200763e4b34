//! Every decoder of this crate with valid examples, for fuzzers.

use rand_core::{TryCryptoRng, TryRng};

use crate::{Address, Destination, DestinationKeys, reply};

/// A decoder that takes any bytes.
pub type Decoder = fn(&[u8]);

/// The decoders. None may panic.
pub const FUZZ: &[(&str, Decoder)] = &[
    ("i2p-address", |bytes| {
        let _ = text(bytes).parse::<Address>();
    }),
    ("i2p-any-destination", |bytes| {
        let _ = Address::of_any_destination(&text(bytes));
    }),
    ("i2p-destination", |bytes| {
        let _ = Destination::parse(bytes);
        let _ = Destination::from_base64(&text(bytes));
    }),
    ("i2p-keys", |bytes| {
        let _ = DestinationKeys::parse(bytes);
        let _ = DestinationKeys::from_base64(&text(bytes));
    }),
    ("i2p-reply", |bytes| {
        let _ = reply::Reply::parse(&text(bytes));
        let _ = reply::caller(&text(bytes));
    }),
];

/// Valid input of the decoder with this name.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let keys = DestinationKeys::generate(&mut Counter(0));
    let public = keys.destination();
    match name {
        "i2p-address" => vec![keys.address().to_string().into_bytes()],
        "i2p-any-destination" => vec![public.to_base64().into_bytes()],
        "i2p-destination" => vec![public.as_bytes().to_vec(), public.to_base64().into_bytes()],
        "i2p-keys" => vec![
            keys.as_bytes().to_vec(),
            keys.to_base64().as_bytes().to_vec(),
        ],
        "i2p-reply" => {
            let mut lines: Vec<_> = reply::EXAMPLES
                .iter()
                .map(|line| line.as_bytes().to_vec())
                .collect();
            lines.push(format!("{} FROM_PORT=0 TO_PORT=0", public.to_base64()).into_bytes());
            lines
        }
        _ => Vec::new(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes that count up: seeds need to be the same every time, not secret.
struct Counter(u8);

impl TryRng for Counter {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}
