//! Feature `fuzz`: every decoder as a function of bytes.
//!
//! A target takes anything and must not panic; where a structure has one encoding only, what was
//! understood must encode to the bytes it came from. `cargo xtask fuzz` feeds them, starting from
//! [`seeds`].
#![allow(clippy::expect_used, reason = "a panic is how a fuzz target reports")]

mod group;

use crate::{
    bundle::{Bundle, Content},
    first_contact,
    identity::{DeviceCertificate, DeviceKey, PersonId, RecoveryWords, Revocation},
    invite::{self, Home, Invite, InviteSecret, JoinSecret},
    kem::KemSecret,
    outer::OuterKey,
    pairwise::{Account, Message, Session},
    vault::{
        self, Header, MasterKey, Moved, PRELUDE_BYTES, Params, Place, Prelude, Recipe, Ring,
        StretchJob,
    },
};

/// Takes any bytes; panics only if the decoder is wrong.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const FUZZ: &[(&str, Target)] = &[
    ("crypto-certificate", certificate),
    ("crypto-revocation", revocation),
    ("crypto-words", words),
    ("crypto-person-id", person_id),
    ("crypto-bundle", bundle),
    ("crypto-invite", invite_bytes),
    ("crypto-invite-text", invite_text),
    ("crypto-join-link", join_link),
    ("crypto-intro", intro),
    ("crypto-outer-change", outer_change),
    ("crypto-pairwise-message", message),
    ("crypto-pairwise-account", account),
    ("crypto-pairwise-session", session),
    ("crypto-vault-header", header),
    ("crypto-vault-job", job),
    ("crypto-vault-ring", ring),
    ("crypto-vault-record", record),
    ("crypto-vault-moved", moved),
    ("crypto-vault-prelude", prelude),
    ("crypto-group-leaf", group::leaf),
    ("crypto-group-ring", group::ring),
    ("crypto-group-pack", group::pack),
    ("crypto-group-content", group::content),
    ("crypto-group-control", group::control),
    ("crypto-group-state", group::state),
    ("crypto-group-missing", group::missing),
    ("crypto-group-archive", group::archives),
];

/// Valid input for a target; empty for a name that is none.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let root = RecoveryWords::from_bytes([1; 32]).root();
    let device = device();
    match name {
        "crypto-certificate" => vec![root.certify(&device.public(), 20_000).encode().to_vec()],
        "crypto-revocation" => vec![root.revoke(&device.public(), 20_000).encode().to_vec()],
        "crypto-words" => vec![
            RecoveryWords::from_bytes([1; 32])
                .to_text()
                .as_bytes()
                .to_vec(),
        ],
        "crypto-person-id" => vec![root.person().to_string().into_bytes()],
        "crypto-bundle" => bundles(),
        "crypto-invite" => invites()
            .iter()
            .map(|invite| invite.encode().to_vec())
            .collect(),
        "crypto-invite-text" => invites().iter().filter_map(link).collect(),
        "crypto-join-link" => invite::join_link(ORIGIN, &JoinSecret::from_bytes([7; 16]))
            .map(|link| link.as_bytes().to_vec())
            .into_iter()
            .collect(),
        "crypto-intro" => {
            first_contact::seal(&kem().public(), None, &[], &[8; 40], &mut Counting(0))
                .into_iter()
                .collect()
        }
        "crypto-outer-change" => OuterKey::from_bytes([9; 32])
            .change(&kem().public(), &mut Counting(0))
            .map(|(_, encapsulation)| encapsulation.to_vec())
            .into_iter()
            .collect(),
        "crypto-pairwise-message" => conversation().map(|seen| seen.messages).unwrap_or_default(),
        "crypto-pairwise-account" => conversation()
            .map(|seen| seen.account)
            .into_iter()
            .collect(),
        "crypto-pairwise-session" => conversation()
            .map(|seen| seen.session)
            .into_iter()
            .collect(),
        "crypto-vault-header" => header_seed()
            .map(|header| header.encode())
            .into_iter()
            .collect(),
        "crypto-vault-moved" => header_seed()
            .into_iter()
            .flat_map(|header| {
                let moved = |has_file| Moved {
                    header: header.clone(),
                    has_file,
                };
                [false, true].map(|has_file| moved(has_file).encode())
            })
            .collect(),
        "crypto-vault-prelude" => header_seed()
            .map(|header| Prelude::new(header, &mut Counting(0)).encode())
            .into_iter()
            .collect(),
        "crypto-vault-job" => recipe()
            .and_then(|recipe| recipe.job("six words of a passphrase here").ok())
            .map(|job| job.to_bytes().to_vec())
            .into_iter()
            .collect(),
        "crypto-vault-ring" => one_ring()
            .seal(&master(), &mut Counting(0))
            .into_iter()
            .collect(),
        "crypto-vault-record" => one_ring()
            .seal_record(&PLACE, b"a record", &mut Counting(0))
            .into_iter()
            .collect(),
        _ => group::seeds(name),
    }
}

// --- targets ------------------------------------------------------------------------------------

fn certificate(bytes: &[u8]) {
    if let Ok(certificate) = DeviceCertificate::decode(bytes) {
        assert_eq!(certificate.encode(), bytes);
    }
}

fn revocation(bytes: &[u8]) {
    if let Ok(revocation) = Revocation::decode(bytes) {
        assert_eq!(revocation.encode(), bytes);
    }
}

fn words(bytes: &[u8]) {
    if let Ok(words) = RecoveryWords::from_text(&text(bytes)) {
        assert_eq!(
            RecoveryWords::from_text(&words.to_text()).as_ref(),
            Ok(&words)
        );
    }
}

fn person_id(bytes: &[u8]) {
    if let Ok(person) = PersonId::from_text(&text(bytes)) {
        assert_eq!(PersonId::from_text(&person.to_string()), Ok(person));
    }
}

fn bundle(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::decode(bytes) {
        assert_eq!(bundle.as_bytes(), bytes);
        assert!(crate::bundle::is_name(&bundle.content().name));
    }
}

fn invite_bytes(bytes: &[u8]) {
    if let Ok(invite) = Invite::decode(bytes) {
        assert_eq!(invite.encode().as_slice(), bytes);
    }
}

fn invite_text(bytes: &[u8]) {
    if let Ok((origin, invite)) = Invite::from_text(&text(bytes))
        && let Some(origin) = origin
        && let Ok(link) = invite.to_link(&origin)
    {
        assert!(link.len() <= invite::MAX_LINK_BYTES);
        assert_eq!(Invite::from_text(&link), Ok((Some(origin), invite)));
    }
}

fn join_link(bytes: &[u8]) {
    if let Ok((origin, secret)) = invite::parse_join_link(&text(bytes))
        && let Ok(link) = invite::join_link(&origin, &secret)
    {
        assert_eq!(invite::parse_join_link(&link), Ok((origin, secret)));
    }
}

fn intro(bytes: &[u8]) {
    let key = InviteSecret::from_bytes([2; 16]).intro();
    let _ = first_contact::open(&kem(), None, &[], bytes);
    let _ = first_contact::open(&kem(), Some(&key), &[], bytes);
}

fn outer_change(bytes: &[u8]) {
    if let Ok(encapsulation) = bytes.try_into() {
        let _ = OuterKey::from_bytes([9; 32]).follow(&kem(), encapsulation);
    }
}

fn message(bytes: &[u8]) {
    if let Ok(message) = Message::decode(bytes) {
        let again = Message::decode(&message.encode()).expect("its own bytes");
        assert_eq!(again.prekey(), message.prekey());
        if let Some(prekey) = message.prekey() {
            let _ = Account::new().receive(&prekey.identity, &message);
        }
    }
}

fn account(bytes: &[u8]) {
    if let Ok(account) = Account::from_bytes(bytes) {
        let again = Account::from_bytes(&account.to_bytes()).expect("its own bytes");
        assert_eq!(again.identity(), account.identity());
    }
}

fn session(bytes: &[u8]) {
    if let Ok(session) = Session::from_bytes(bytes) {
        let again = Session::from_bytes(&session.to_bytes()).expect("its own bytes");
        assert_eq!(again.id(), session.id());
    }
}

fn header(bytes: &[u8]) {
    if let Ok(header) = Header::decode(bytes) {
        assert_eq!(header.encode(), bytes);
        let _ = header.unwrap(&[3; 32]);
    }
}

fn moved(bytes: &[u8]) {
    if let Some(Ok(moved)) = Moved::decode(bytes) {
        assert_eq!(moved.encode(), bytes);
        assert!(Header::decode(bytes).is_err());
    }
}

fn prelude(bytes: &[u8]) {
    if let Ok(prelude) = Prelude::decode(bytes) {
        assert_eq!(
            (bytes.len(), prelude.encode().as_slice()),
            (PRELUDE_BYTES, bytes)
        );
    }
}

fn job(bytes: &[u8]) {
    // Never run: that is what takes seconds.
    if let Ok(job) = StretchJob::from_bytes(bytes) {
        assert_eq!(job.to_bytes().as_slice(), bytes);
    }
}

fn ring(bytes: &[u8]) {
    let _ = Ring::open(&master(), bytes);
    // What the seal keeps others from writing is bounded all the same.
    if let Ok(ring) = Ring::read(bytes) {
        assert!(ring.generations().count() <= vault::MAX_GENERATIONS);
    }
}

fn record(bytes: &[u8]) {
    let _ = vault::generation_of(bytes);
    let _ = one_ring().open_record(&PLACE, bytes);
}

// --- fixed material -----------------------------------------------------------------------------

const ORIGIN: &str = "https://relay.example";
const PLACE: Place<'_> = Place {
    table: 4,
    schema: 1,
    key: b"key",
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn device() -> DeviceKey {
    DeviceKey::from_bytes(&[4; 32])
}

fn kem() -> KemSecret {
    KemSecret::from_bytes([5; 32])
}

fn master() -> MasterKey {
    MasterKey::from_bytes([6; 32])
}

fn one_ring() -> Ring {
    Ring::new(20_000, &mut Counting(0))
}

fn recipe() -> Option<Recipe> {
    Recipe::draw(Params::FLOOR, &mut Counting(0))
}

fn header_seed() -> Option<Header> {
    Header::new(recipe()?, &[3; 32], &master(), &mut Counting(0)).ok()
}

fn bundles() -> Vec<Vec<u8>> {
    let certificate = RecoveryWords::from_bytes([1; 32])
        .root()
        .certify(&device().public(), 20_000);
    let homes = [vec![], vec![vec![1; 391]], vec![vec![]; 8]];
    let content = |homes| Content {
        certificate: certificate.clone(),
        olm_identity: [9; 32],
        olm_prekey: [10; 32],
        kem: kem().public(),
        week: 2_857,
        valid_until: 20_021,
        name: "Ana".to_owned(),
        homes,
    };
    homes
        .into_iter()
        .filter_map(|homes| Bundle::sign(content(homes), &device()).ok())
        .map(|bundle| bundle.as_bytes().to_vec())
        .collect()
}

fn invites() -> [Invite; 5] {
    let node = Home::Node {
        address: [12; 32],
        key: [13; 32],
    };
    let join = Some(JoinSecret::from_bytes([7; 16]));
    [
        (Home::Peer([12; 32]), None, false),
        (Home::Peer([12; 32]), join.clone(), false),
        (node, None, false),
        (node, join.clone(), false),
        (node, join, true),
    ]
    .map(|(home, join, for_collective)| Invite {
        secret: InviteSecret::from_bytes([2; 16]),
        bundle_hash: std::array::from_fn(|at| match home {
            Home::Node { .. } if at >= 16 => 0,
            _ => 11,
        }),
        home,
        last_day: 20_021,
        join,
        for_collective,
    })
}

fn link(invite: &Invite) -> Option<Vec<u8>> {
    invite
        .to_link(ORIGIN)
        .ok()
        .map(|link| link.as_bytes().to_vec())
}

/// What one conversation leaves behind.
struct Conversation {
    account: Vec<u8>,
    session: Vec<u8>,
    /// A first message and a later one.
    messages: Vec<Vec<u8>>,
}

fn conversation() -> Option<Conversation> {
    let (ana, mut bo) = (Account::new(), Account::new());
    let prekey = bo.fallback_key(2_857).ok()?;
    bo.one_time_key(20_021).ok()?;
    let account = bo.to_bytes().to_vec();
    let mut to_bo = ana.start(&bo.identity(), &prekey).ok()?;
    let first = to_bo.encrypt(b"hello").ok()?;
    let mut to_ana = bo.receive(&ana.identity(), &first).ok()?.session;
    let later = to_ana.encrypt(b"hello yourself").ok()?;
    let messages = vec![first.encode(), later.encode()];
    Some(Conversation {
        account,
        session: to_ana.to_bytes().to_vec(),
        messages,
    })
}

/// No randomness at all: seeds that draw any must not differ from run to run.
struct Counting(u8);

impl rand_core::TryRng for Counting {
    type Error = rand_core::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Counting {}
