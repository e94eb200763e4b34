//! The engine of a peer: it never touches the world. Inputs go in, effects come out; clock,
//! randomness, storage and network are whoever drives it. (vodozemac alone draws randomness of its
//! own.)
//!
//! Flow of a step: [`Engine::handle`] takes an [`Input`]; parts of the engine change memory and
//! mark what they changed; at the end all that was marked is sealed into *one* [`Effect::Commit`],
//! and everything it justifies (frames, answers, events) comes behind it. A driver carries effects
//! out in order, each before the next, so that a crash at any point loses nothing and uses no key
//! twice.
//!
//! Parts: the vault's door (`vault`, `engine`), its way to another address (`moving`), invites and first contact (`invites`, `contact`),
//! what is written and waits (`writing`, `naming`, `outbox`, `seal`), what arrives (`inbox`, `packet`), links
//! (`dialing`, `links`), homes and the ways through one's relays (`home`, `way`, `node`, `relays`), what time brings (`upkeep`, `clock`), what goes
//! (`removing`), introductions (`introducing`), collectives (`space`), circles (`circle`), what is shown (`views`, `queue`, `route`, `traffic`).
//!
//! # What lives long, its bound, and what reclaims it
//!
//! | what | where | bound | reclaimed by |
//! |---|---|---|---|
//! | comrades | memory and store | [`limits::MAX_COMRADES`], asking ones [`limits::MAX_ASKING`] | removing, declining |
//! | contacts, sessions, outer keys of a pair | both | [`limits::MAX_CONTACTS`], [`limits::MAX_SESSIONS`], 4 per contact | the oldest go; weekly change |
//! | envelope ids, base keys of a pair | both | [`limits::MAX_SEEN`], [`limits::MAX_BASE_KEYS`] | the oldest go |
//! | operations under first contacts of before | both | [`limits::MAX_FORMER`] per comrade | the oldest go |
//! | account of a comrade's operations | both | `komrade_social::MAX_RECEIVED_BYTES` | settles as gaps close |
//! | messages | store | of each comrade [`limits::MAX_KEPT_BYTES`]; unconfirmed [`limits::MAX_UNCONFIRMED`], [`limits::MAX_KEPT_BYTES_UNMET`] | deleting, removing, declining |
//! | unread marks of a comrade | both | 999 | reading |
//! | messages that wait | index in memory | [`limits::MAX_OUTBOX`] per comrade, [`limits::MAX_OUTBOX_TOTAL`] | accepted, or [`limits::MESSAGE_LIFE`] |
//! | accepted, not acknowledged | index in memory | [`limits::MAX_KEPT`] per comrade | acknowledged, expired, the oldest go |
//! | packets without a message | index in memory | one that waits per comrade, [`limits::CONTROL_LIFE`] | accepted |
//! | envelopes that do not open | index in memory | [`limits::MAX_WAITING_EACH`] per comrade, [`limits::MAX_WAITING`] | opened, or their own expiry |
//! | invites, declined contacts of one | both | [`limits::MAX_INVITES`], [`limits::MAX_ENDED_CONTACTS`] | expiry, revocation |
//! | prekeys | both | 64 Olm, 8 X-Wing | [`komrade_crypto::kem::KEEP_DAYS`] |
//! | generations of record keys | both | `komrade_crypto::vault::MAX_GENERATIONS` | the walk over all records |
//! | introductions made here, and offered by comrades | both | [`limits::MAX_INTRODUCTIONS`] each, of one comrade [`limits::MAX_INTRODUCTIONS_EACH`] | [`limits::INTRODUCTION_LIFE`], forgetting |
//! | relays known | both | [`limits::MAX_RELAYS`] | the one unused for longest goes |
//! | relays in use, being left, tried | both; memory | [`limits::MAX_USED`], [`limits::MAX_LEAVING`], one | leaving, [`limits::LEAVE_GRACE`] |
//! | replicas of others' envelopes | store, a count in memory | [`limits::REPLICA_BYTES`], or what the person sets; a quarter of it what comrades' devices brought | expiry, the soonest to expire go |
//! | nodes that lost what they held; nodes in common with a comrade | both | [`limits::MAX_RELAYS`]; 8 each | the oldest go |
//! | a comparison with a comrade's device, and who waits for one | memory | one, 100 bytes for each replica; each link and node in common | [`limits::ANSWER_TIMEOUT`], [`limits::COMPARE_LIFE`], the link |
//! | mail that a comrade's device brought, not opened yet | memory | [`limits::COPIED_MAIL_BYTES`] | the end of the comparison |
//! | bytes carried, by day | both | [`limits::TRAFFIC_DAYS`] | the oldest go |
//! | arrived and not written, for each relay in use | memory | 64 envelopes, 1 MiB | [`limits::REPLICA_PACE`] |
//! | one's own mail that came and is not opened, for each relay in use | memory | [`limits::COPIED_MAIL_BYTES`], and what comes while as much is opened | opened when all has come, the link |
//! | homes that a relay does not reach, for each relay in use | memory | 64 | [`limits::UNREACHED_LIFE`], the link |
//! | homes at which an entry failed | both | 8 | taken back, acknowledged |
//! | work for puts | memory | 64 | used, given up |
//! | links, flights on one, dials | memory | [`limits::MAX_LINKS`], [`limits::WINDOW`], [`limits::MAX_DIALS`] | silence, deadlines |
//! | collectives | both | [`limits::MAX_SPACES`], offered ones [`limits::MAX_INVITED`] | forgetting, declining |
//! | what was said in a collective | both | [`limits::MAX_OPERATIONS`], [`limits::MAX_OPERATION_BYTES`], of one person a part: [`limits::PERSON_SHARE`] | their own expiry, or that of the rules |
//! | what is decided; names, homes, told seeds | both | as `komrade_social` says; of each device [`limits::MAX_STANDING`], [`limits::MAX_TOLD_SEEDS`] | forgetting; the oldest go |
//! | posts | store | as operations | their own expiry, forgetting |
//! | seeds, leaf keys | both | [`limits::MAX_SEEDS`], `komrade_crypto::group::MAX_LEAVES` | a seed 46 days, its outer and control keys 60; a leaf key 30 days after the next one |
//! | ratchets of others | memory | one for each device and seed | with the seed, a lock |
//! | persons and devices of a collective | both | [`limits::MAX_DEVICES_KNOWN`], leaf keys of members, and of whoever went and may not know it | 60 days after somebody was heard who went, forgetting |
//! | what was said and does not count; what is of no use | both; memory | [`limits::MAX_VOID`]; [`limits::MAX_REFUSED`] | their own expiry; any change of members |
//! | what waits to leave for a collective | both | [`limits::MAX_SPACE_OUTBOX`] | a day after every home took it, [`limits::MESSAGE_LIFE`] |
//! | loads that do not open, what was said before what it builds on | both | [`limits::MAX_WAITING_LOADS`], [`limits::MAX_PENDING`], [`limits::MAX_PENDING_EACH`], [`limits::MAX_UNPLACED_EACH`], [`limits::MAX_UNKNOWN`] | opened, their own expiry |
//! | operations known to be missing, others' questions, those answered | memory | [`limits::MAX_WANTED_OPERATIONS`], [`limits::MAX_WANTED_EACH`], [`limits::MAX_QUESTIONS`], [`limits::MAX_ANSWERED`] | supplied, [`limits::WANTED_LIFE`], [`limits::WANTED_AT_ENTRY`], [`limits::QUESTION_LIFE`] |
//! | envelopes that nobody recognised | memory | [`limits::MAX_STRANGERS`] of [`limits::STRANGER_BYTES`] | the oldest go |
//! | homes of a collective that refused; a welcome that is being said; packs of new seeds that leave | memory | [`limits::MAX_SHUNNED`]; one, [`limits::MAX_WELCOME_PARTS`]; [`limits::MAX_PACKS`] | [`limits::SHUNNED_FOR`]; its last part; room in a step |
//! | offers, who asks, who took it back, newcomers brought in | both | [`limits::MAX_OFFERS`] each | decided, [`limits::OFFER_DAYS`], [`limits::ESCORT_LIFE`] |
//! | circles of one's own, who reads one | both | [`limits::MAX_CIRCLES`], [`limits::MAX_CIRCLE_READERS`] | ending, removing |
//! | bytes of what circles hold, all together | both | [`limits::MAX_CIRCLES_BYTES`] | refusing one's own; the oldest of the largest of comrades |
//! | circles of comrades | both | [`limits::MAX_CIRCLES_READ`], of one [`limits::MAX_CIRCLES_OF`], with those that were left [`limits::MAX_CIRCLES_KNOWN_OF`] | forgetting; the one left first; removing the comrade |
//! | what is in a circle | both | see `komrade_social::circle` | [`limits::CIRCLE_DAYS`]; the oldest go |
//! | loads of circles that have come | memory | [`limits::MAX_CIRCLE_ARRIVED`] | room in a step |
//! | comments that an owner has not published | both | [`limits::MAX_CIRCLE_WAITING`] | published, [`limits::MESSAGE_LIFE`] |
//! | reads under way | memory | one per comrade to send, one to retry; one per open page | their answers |
//! | effects not taken | memory | those of the inputs handed in | the driver |
//!
//! Left out on purpose: more than one device of a person, and the encrypted backup. Formats
//! have room for them.

mod circle;
mod clock;
mod comrade;
mod contact;
mod dialing;
mod engine;
mod fields;
#[cfg(feature = "fuzz")]
mod fuzz;
mod home;
mod inbox;
mod introducing;
mod invites;
mod io;
mod keys;
pub mod limits;
mod links;
mod moving;
mod naming;
mod node;
mod open;
mod outbox;
mod own;
mod packet;
mod pair;
mod queue;
mod records;
mod relay_link;
mod relays;
mod removing;
mod route;
mod seal;
mod space;
mod step;
mod traffic;
mod upkeep;
mod vault;
mod views;
mod way;
mod writing;

pub use engine::{Config, Engine};
#[cfg(feature = "fuzz")]
pub use fuzz::{FUZZ, Target, seeds};
pub use io::*;
