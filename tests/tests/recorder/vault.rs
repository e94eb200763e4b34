//! What only the vault knows: opened from outside, with the passphrase, as whoever steals the disk *and* the passphrase could.
//!
//! The app tells nobody the keys of its device, and need not do so for a test: what it stored is read past it.

use anyhow::{Context, Result, ensure};
use komrade_crypto::{
    bundle::Bundle,
    identity::{DeviceCertificate, DeviceKey, PersonId},
    pairwise::Account,
    vault::{Header, Place, Ring},
};
use komrade_store::Table;
use komrade_tests::Person;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The version of the records, which is part of their seal.
const RECORDS: u32 = 1;

/// The record of the device, as far as it is looked for.
#[derive(Deserialize)]
struct DeviceRecord {
    key: ByteBuf,
    certificate: ByteBuf,
    account: ByteBuf,
    bundle: ByteBuf,
}

/// The decomposition that the app has from its browser.
fn nfkd(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.nfkd().collect())
}

/// The keys of the device of `person`, who is `id`, each with what it is.
pub async fn device_keys(person: &Person, id: PersonId) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let own = person.browser.records("own").await?;
    let header = person.browser.records("header").await?;
    let (_, header) = header.first().context("no header")?;
    let header = Header::decode(header)?;
    let stretched = header.recipe().job(&person.passphrase)?.run(nfkd)?;
    let (_, master) = header.unwrap(&stretched)?;
    let find = |key: &[u8]| {
        own.iter()
            .find(|(found, _)| found == key)
            .map(|(_, value)| value.as_slice())
            .context("a record of the vault is missing")
    };
    let ring = Ring::open(&master, find(b"ring")?)?;
    let place = Place {
        table: Table::Own as u8,
        schema: RECORDS,
        key: b"device",
    };
    let record = ring.open_record(&place, find(b"device")?)?;
    let record: DeviceRecord = ciborium::from_reader(record.as_slice())?;

    let seed = record.key.as_slice().try_into().context("no seed")?;
    let key = DeviceKey::from_bytes(seed);
    let certificate = DeviceCertificate::decode(&record.certificate)?;
    let bundle = Bundle::decode(&record.bundle)?;
    // Looking for anything else than the keys in use would prove nothing.
    ensure!(
        *certificate.device() == key.public() && *bundle.device() == key.public(),
        "this is not the key that was certified"
    );
    ensure!(
        certificate.person() == id,
        "this is the device of somebody else"
    );
    let account = Account::from_bytes(&record.account)?;
    let content = bundle.content();
    ensure!(
        content.olm_identity == account.identity(),
        "this is another account"
    );
    let (kem, _) = content.kem.as_bytes().split_at(32);
    Ok(vec![
        ("device key", key.public().to_vec()),
        ("seed of the device key", seed.to_vec()),
        ("pairwise identity", account.identity().to_vec()),
        ("pairwise prekey", content.olm_prekey.to_vec()),
        ("KEM prekey", kem.to_vec()),
        ("master key of the vault", master.expose().to_vec()),
    ])
}
