//! Every bound and every span of time of the engine, each with its reason.

use komrade_ether::MAX_DAYS_AHEAD;
use komrade_view::Millis;

/// A second.
pub const SECOND: Millis = 1_000;
/// A minute.
pub const MINUTE: Millis = 60 * SECOND;
/// An hour.
pub const HOUR: Millis = 60 * MINUTE;
/// A day.
pub const DAY: Millis = 24 * HOUR;
/// A week.
pub const WEEK: Millis = 7 * DAY;

/// Comrades, whatever their state. All are held in memory, at about 12 KB each.
pub const MAX_COMRADES: usize = 5_000;
/// Comrades that wait to be confirmed. Strangers make these, so there are fewer.
pub const MAX_ASKING: usize = 200;
/// Comrades that answered the same invite.
pub const MAX_ASKING_PER_INVITE: usize = 8;
/// Live invites.
pub const MAX_INVITES: usize = 50;
/// The longest life of an invite, in days.
pub const MAX_INVITE_DAYS: u8 = 21;
/// First contacts remembered as declined or answered, per invite.
pub const MAX_ENDED_CONTACTS: usize = 256;
/// Introductions made here, and as many that comrades offer: each one that is agreed to holds an invite.
pub const MAX_INTRODUCTIONS: usize = 24;
/// Those that one comrade offers.
pub const MAX_INTRODUCTIONS_EACH: usize = 8;
/// How long one may take: both are asked for as long as an invite lives, and it then has as long again.
pub const INTRODUCTION_LIFE: Millis = 2 * MAX_INVITE_DAYS as Millis * DAY;
/// Relays remembered, with a destination each. The one used least lately is forgotten.
pub const MAX_RELAYS: usize = 16;
/// Nodes remembered that a relay had before: one that loses its keys more often while somebody is away is no relay to stay with.
pub const MAX_FORMER_NODES: usize = 4;

/// Relays that comrades are told of. Each brings the mail of a whole bucket and needs a connection of its
/// own, and one more that can burn is worth less than the one before; with a destination and a lifeboat
/// three fit well into a list of eight homes and into a bundle.
pub const MAX_USED: usize = 3;
/// Relays that are being left and still read: whoever changes more often is told by those that are left.
pub const MAX_LEAVING: usize = 2;
/// How long a relay that is down is waited for before what waits leaves through another one: a restart,
/// or a change of networks, is no reason to show a second relay what the first one carries.
pub const RELAY_PATIENCE: Millis = 2 * MINUTE;
/// How long a relay is down before comrades are told of it after the others.
pub const REST_AFTER: Millis = 15 * MINUTE;
/// How long it is up again before they are told of it as before: each change is told to everybody.
pub const RISE_AFTER: Millis = 6 * HOUR;
/// How long a relay is down before what was handed to its node, and is not acknowledged, is sent through
/// another one.
pub const PRESUMED_LOST: Millis = HOUR;
/// How long a relay's word is believed that it does not reach a home: it tries once an hour at least, and says so again when
/// something is left for that home.
pub const UNREACHED_LIFE: Millis = HOUR;
/// Up to so many seals an entry is put to a comrade's next home: half of [`MAX_SEALS`] is left for when it is asked for.
pub const MOST_MOVED: u8 = 5;
/// How often a comrade is looked for at their lifeboat because none of their homes is reached: as often as a relay tries
/// those, and if they lost them they look for this device, too.
pub const LIFEBOAT_PACE: Millis = HOUR;
/// How long a relay that is left is read at most: most comrades have opened the app by then, and their
/// relays put to the old home until they have.
pub const LEAVE_GRACE: Millis = 8 * DAY;

/// Bytes of a message.
pub const MAX_TEXT_BYTES: usize = 20_000;
/// Characters of the newest message shown beside a comrade.
pub const LAST_CHARS: usize = 120;

/// Messages that wait to be accepted, per comrade: beyond that, sending is refused.
pub const MAX_OUTBOX: usize = 1_000;
/// The same while the comrade has not been met: whoever never answers shall not cost much.
pub const MAX_OUTBOX_UNMET: usize = 50;
/// Messages of a conversation with somebody who has not been met: removing them all is one batch.
pub const MAX_MESSAGES_UNMET: u64 = 150;
/// Accepted but unacknowledged operations kept for being asked for again, per comrade; the oldest
/// are let go first.
pub const MAX_KEPT: usize = 1_000;
/// Entries of all outboxes together: 20 MB of memory.
pub const MAX_OUTBOX_TOTAL: usize = 50_000;
/// How often one operation is encrypted, at most.
pub const MAX_SEALS: u8 = 10;
/// How long a message is tried (an operation's expiry is 90 days at most).
pub const MESSAGE_LIFE: Millis = 30 * DAY;
/// How often what an envelope without an operation said is said again because a comrade's relay refused it, until they are heard: with work,
/// and with more of it.
pub const MOST_REFUSED: u8 = 3;
/// How long an envelope without an operation is tried: what it says is soon said better.
pub const CONTROL_LIFE: Millis = 2 * DAY;
/// How long after it was accepted an operation that a report does not know is taken for lost:
/// longer than a report may have been on its way.
pub const MISSED_AFTER: Millis = HOUR;
/// How long nothing is sent to somebody who took an envelope for none of theirs: this does not mend
/// itself soon.
pub const NOT_THEIRS_HOLD: Millis = 10 * MINUTE;
/// Envelopes sent on a link and not answered yet. Below the 40 skipped keys of an Olm chain, so
/// that no order of arrival costs a message.
pub const WINDOW: usize = 16;
/// How long an answer to an envelope may take: I2P may stall for half a minute, a burst lost twice
/// for a minute. What is put again on a new link does no harm.
pub const ANSWER_TIMEOUT: Millis = 90 * SECOND;
/// The same on a link after which a newer one came up: the older one has most likely died without a
/// word, and an answer that is only slow arrives within this.
pub const SUPERSEDED_ANSWER: Millis = 10 * SECOND;

/// Changes that a step gathers before it leaves what is not urgent to the next one. A batch takes
/// 1,000, and what is begun with room left adds few: an envelope that is taken, a record that goes.
pub const STEP_CHANGES: usize = 600;
/// Bytes of messages that one comrade can make this device keep: years of ordinary talk.
pub const MAX_KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// The same for whoever has not been met, and strangers with them: all of them together stay below
/// 100 MB.
pub const MAX_KEPT_BYTES_UNMET: u64 = 512 * 1024;
/// How long nothing is taken from others after the store had no room, unless something is deleted:
/// each attempt may lock the vault.
pub const FULL_HOLD: Millis = DAY;
/// Operations taken from somebody who has not been met: who was asked may say yes very late.
pub const MAX_UNCONFIRMED: u64 = 100;
/// Envelopes that do not open yet, over all comrades: they are kept until they expire.
pub const MAX_WAITING: usize = 1_000;
/// The same for one comrade. Beyond that the one that expires first makes room: what it held is
/// missed and asked for.
pub const MAX_WAITING_EACH: usize = 100;
/// Operations under first contacts of before that are remembered: all that is taken from somebody who has not been
/// confirmed, of some first contacts.
pub const MAX_FORMER: usize = 256;
/// How many more operations than this device another copy of it is believed to have sent to one comrade: more than anybody writes in the time
/// in which neither hears of the other.
pub const MOST_BY_A_COPY: u64 = 1 << 20;
/// Envelopes per comrade whose ids are remembered: far more than the [`WINDOW`] that may be sent
/// twice.
pub const MAX_SEEN: usize = 256;
/// First contacts opened per minute: each costs one decapsulation.
pub const INTROS_PER_MINUTE: u32 = 100;
/// Olm sessions per pair of devices.
pub const MAX_SESSIONS: usize = 4;
/// First contacts per comrade whose keys still open envelopes.
pub const MAX_CONTACTS: usize = 2;
/// Base keys of sessions remembered per comrade, so that a repeated first message makes no new one.
pub const MAX_BASE_KEYS: usize = 32;
/// Messages without an answer after which a new session is opened.
pub const UNANSWERED: u32 = 1_000;

/// Envelopes sent to one's own node and not answered yet, for all comrades together: with frames of
/// other kinds they fit the driver's queue of one link.
pub const NODE_WINDOW: usize = 48;
/// Bytes of others' envelopes kept here if the person does not say otherwise.
pub const REPLICA_BYTES: u64 = 200_000_000;
/// How many days ahead a replica may expire: a node takes what is [`MAX_DAYS_AHEAD`] ahead by its clock, and the one here
/// may be two days behind that.
pub const REPLICA_DAYS_AHEAD: u32 = MAX_DAYS_AHEAD + 2;
/// How long after a node lost what it held comrades' devices are asked for copies of it: by then all has expired.
pub const LOST_LIFE: Millis = REPLICA_DAYS_AHEAD as Millis * DAY;
/// When a comrade's device that was asked for copies is asked again: it may have got more from others.
pub const SEEK_AGAIN: Millis = WEEK;
/// Bytes of copies that are exchanged with one comrade's device in a day: all that one keeps, unless the person says
/// otherwise.
pub const COPIED_BYTES: u64 = REPLICA_BYTES;
/// How long one comparison with a comrade's device may take while others wait for their turn; what is left is
/// compared in the next one.
pub const COMPARE_LIFE: Millis = HOUR;
/// Comparisons on one link: each reads the index of all replicas.
pub const MAX_COMPARED: u32 = 16;
/// Bytes of mail that a comrade's device brings before it is opened, sorted: 2,000 short messages, and a
/// ratchet does not mind how those came that are more than 40 apart.
pub const COPIED_MAIL_BYTES: usize = 4 * 1024 * 1024;
/// How long an arrived envelope of others may stay unwritten.
pub const REPLICA_PACE: Millis = 2 * SECOND;
/// How long comrades are looked for at their lifeboats after a relay was lost, and the own lifeboat is hosted, if somebody
/// is not found: as long as what was written to them before is tried ([`MESSAGE_LIFE`]). Whoever stays away for longer is
/// met anew by an invite. A comrade who is gone for ever costs the relay one destination for so long.
pub const RESCUE_LIFE: Millis = 30 * DAY;
/// How long after a change to another relay whoever has not acknowledged it is looked for at their lifeboat: most people
/// have opened the app by then.
pub const MOVE_PATIENCE: Millis = DAY;
/// When an answer to an invite, a list of homes, or what a report did not know is said again while nothing is heard: it may have
/// been lost with what a node held. So is, while it is known, where one is found: whoever acknowledged it may have been set back to before
/// that. Each pause is twice the one before.
pub const SAY_AGAIN: Millis = DAY;
/// How often it is said at most, in a good two weeks, and what is known in a month: of what is not, half of [`MAX_SEALS`] is left for
/// when it is asked for.
pub const MOST_SAID: u8 = 5;
/// How often nodes are believed that what they held is lost: each time everything is sealed again that nobody has
/// acknowledged, and [`MAX_SEALS`] are not to be had by a relay that says so all the time.
pub const LOSS_PACE: Millis = HOUR;

/// Links, both directions together.
pub const MAX_LINKS: usize = 64;
/// Links per comrade: two when both dialled at once.
pub const MAX_LINKS_PER_COMRADE: usize = 2;
/// Dials under way at once.
pub const MAX_DIALS: usize = 8;
/// Dials shown.
pub const MAX_DIALS_SHOWN: usize = 50;
/// The first wait after a failed dial.
pub const DIAL_FIRST_WAIT: Millis = 5 * SECOND;
/// The longest wait between dials.
pub const DIAL_LONGEST_WAIT: Millis = 10 * MINUTE;
/// How long a dial may take. The relay's own limit is a minute per attempt.
pub const DIAL_TIMEOUT: Millis = 4 * MINUTE;
/// How long a link without frames is kept.
pub const LINK_IDLE: Millis = 5 * MINUTE;

/// A clock that is so much ahead of the step before is doubted. The app ticks once a day at least.
pub const CLOCK_JUMP: Millis = 2 * DAY;
/// How long such a time must hold before anything expires by it.
pub const CLOCK_HOLD: Millis = HOUR;
/// How old the time that is kept across a restart may be.
pub const CLOCK_KEPT: Millis = WEEK;

/// Bytes of records in one part of the file that a vault moves in: what a page and its worker hand to
/// each other at once without being felt.
pub const PART_BYTES: usize = 1024 * 1024;
/// Records in one such part, read at once.
pub const PART_RECORDS: usize = 256;

/// Comrades whose queues are shown, and collectives.
pub const MAX_QUEUES_SHOWN: usize = 50;
/// Days of traffic remembered: a month, with some to spare for a clock that is corrected.
pub const TRAFFIC_DAYS: usize = 40;
/// Days that are shown as a month.
pub const MONTH_DAYS: u32 = 30;
/// How often traffic is written: each time is a transaction, and what is lost costs nobody much.
pub const TRAFFIC_PACE: Millis = MINUTE;

/// Bytes of a day from which on larger envelopes wait, where data is known to be dear and the person has
/// not said otherwise.
pub const SAVER_BYTES: u64 = 20_000_000;

/// How often bytes alone tell the screens about the route.
pub const ROUTE_PACE: Millis = SECOND;

/// Prekeys, the fallback key, outer keys and record keys change so often.
pub const KEY_LIFE: Millis = WEEK;
/// How long an offered outer key waits to be acknowledged before another is drawn: as long as the
/// prekey it is sealed to is surely kept.
pub const OFFER_LIFE: Millis = 30 * DAY;
/// How often a change of keys that was not acknowledged is offered again.
pub const OFFER_AGAIN: Millis = DAY;
/// Records rewritten under a new key per step.
pub const SWEEP_RECORDS: usize = 50;
/// The pause between those steps: the sweep must not be felt.
pub const SWEEP_PACE: Millis = 200;
/// Records read at once when the vault opens.
pub const LOAD_PAGE: usize = 500;
/// The mean time between acknowledgements at the calm pace, and at the quick one.
pub const CALM_PACE: Millis = 5 * MINUTE;
/// The longest time between them: a draw far above the mean is cut.
pub const LONGEST_QUIET: Millis = 10 * CALM_PACE;
/// See [`CALM_PACE`].
pub const QUICK_PACE: Millis = 10 * SECOND;
/// So many times shorter than at the calm pace a device waits for others at the quick one: of turns of minutes, seconds are left.
pub const QUICKER: u64 = 10;
/// Comrades written to at once in one step: each costs a sealed envelope and the pair's record.
pub const ACKS_PER_STEP: usize = 50;

/// Collectives, whatever their state.
pub const MAX_SPACES: usize = 64;
/// Collectives that comrades offer and nobody has answered.
pub const MAX_INVITED: usize = 16;
/// Comrades offered to be proposed to one collective, and newcomers brought in.
pub const MAX_OFFERS: usize = 32;
/// How long an offer waits for an answer, and somebody who answered a link that is given to many, whether they ask or say nothing: they
/// take the room of others who ask, here ([`MAX_OFFERS`]) and among those who were not met ([`MAX_ASKING`]).
pub const OFFER_DAYS: Millis = 30 * DAY;
/// When the welcome is said again while the candidate has not come in.
pub const WELCOME_AGAIN: Millis = 3 * DAY;
/// The same for a newcomer whose acceptance does not hold: soon, and not as often as somebody may say they come in.
pub const WELCOME_ANEW: Millis = HOUR;
/// What a newcomer is told not to miss of a device, beyond the newest number that its own operations show: as much as is kept of what one
/// person said since.
pub const FLOOR_AHEAD: u64 = (MAX_OPERATIONS / PERSON_SHARE) as u64;
/// How long keys are given to a newcomer of whom nothing is heard.
pub const ESCORT_LIFE: Millis = 30 * DAY;
/// Bytes of a welcome in one operation of a conversation.
pub const WELCOME_PART_BYTES: usize = 19_000;
/// Parts of one welcome: 10 MB, of 500 members and as many decisions of some 500 bytes as a collective can hold.
pub const MAX_WELCOME_PARTS: u64 = 512;
/// Bytes of all of them, but for what says how long the lists are.
pub const MAX_WELCOME_BYTES: usize = MAX_WELCOME_PARTS as usize * WELCOME_PART_BYTES - 1_024;
/// Bytes of all that was decided in a collective, beyond which nobody is asked in: what is left of a welcome is for names, homes and
/// leaf keys.
pub const MAX_CONTROL_BYTES: usize = 8 * 1024 * 1024;
/// Operations of before that a newcomer is given, if the rules share them: the newest, a good read.
pub const MAX_HISTORY: usize = 256;
/// Bytes of them: some 60 operations of a conversation.
pub const HISTORY_BYTES: usize = 512 * 1024;
/// Devices of one collective whose leaf keys and homes are remembered: those that a seed is for, and some
/// that went.
pub const MAX_DEVICES_KNOWN: usize = 5_000;
/// What was said in one collective and is kept, in operations; beyond that it is refused. What is decided is taken as far as
/// governance takes it.
pub const MAX_OPERATIONS: usize = 30_000;
/// Bytes of them, in memory and in the store.
pub const MAX_OPERATION_BYTES: usize = 24 * 1024 * 1024;
/// The part of both that one person may fill: nobody silences the others alone.
pub const PERSON_SHARE: usize = 10;
/// Names, and lists of homes, of one device that are kept: only the newest counts, and what others name may still be on its way.
pub const MAX_STANDING: usize = 32;
/// Operations of one device that tell of seeds: a founder draws one for each newcomer, and one a week.
pub const MAX_TOLD_SEEDS: usize = 128;
/// What was said and waits for control operations that are not here.
pub const MAX_PENDING: usize = 256;
/// Of one person.
pub const MAX_PENDING_EACH: usize = 64;
/// What one person decided and waits for what is not here, of [`komrade_social::collective::MAX_WAITING`].
pub const MAX_UNPLACED_EACH: usize = 128;
/// What waits of devices that are no member's here, all of them together: newcomers whose admission comes later.
pub const MAX_UNKNOWN: usize = 32;
/// Operations that are known to be missing.
pub const MAX_WANTED_OPERATIONS: usize = 2_048;
/// Those of them that one person's operations name.
pub const MAX_WANTED_EACH: usize = 256;
/// How far ahead of this clock a control operation may be dated and still be taken: rations are counted by those dates. What is
/// further ahead waits for its day.
pub const CONTROL_AHEAD: Millis = DAY;
/// What was said and does not count, and may count again: what a change of members hides or shows fits in a step.
pub const MAX_VOID: usize = 128;
/// Operations that are known to be of no use, so that they are not asked for.
pub const MAX_REFUSED: usize = 1_024;
/// How long something is known to be missing before it is given up: nobody has it any more.
pub const WANTED_LIFE: Millis = 30 * DAY;
/// The same of what may have been said to others just before one came in: as long as somebody may take to open the app and answer.
pub const WANTED_AT_ENTRY: Millis = QUESTION_AGE + DAY;
/// Operations in one control message.
pub const MAX_BUNDLED: usize = 64;
/// Loads that do not open yet, of one collective: they are kept until they expire.
pub const MAX_WAITING_LOADS: usize = 256;
/// Envelopes that nobody recognised and that are looked at again with the next seed, and the largest of
/// them: 1 MB.
pub const MAX_STRANGERS: usize = 64;
/// See [`MAX_STRANGERS`].
pub const STRANGER_BYTES: usize = 16 * 1024;
/// Seeds of one collective: weekly ones of 60 days, and those of many changes.
pub const MAX_SEEDS: usize = 256;
/// Those of them whose members were not compared yet.
pub const MAX_UNSURE_SEEDS: usize = 16;
/// How far ahead of one's own the clock of whoever drew a seed may be.
pub const CLOCKS_APART: Millis = 5 * MINUTE;
/// Packs of new seeds of one collective that wait in memory for room in a step: those of one seed, if every device that is known were at
/// a home of its own. Of a seed that is drawn while so many wait, whoever gets none asks for it.
pub const MAX_PACKS: usize = MAX_DEVICES_KNOWN;
/// What waits to leave for one collective; what was taken everywhere makes room.
pub const MAX_SPACE_OUTBOX: usize = 256;
/// How long what every home took is kept, for a relay that loses it.
pub const SPACE_KEPT: Millis = DAY;
/// Homes of members of one collective that refused what was put there.
pub const MAX_SHUNNED: usize = 256;
/// How long whoever is at such a home is looked for at their next one first.
pub const SHUNNED_FOR: Millis = DAY;
/// Mail that was opened before some of what came earlier, by its number: more than the largest catch-up brings of one's own, half a
/// megabyte of numbers.
pub const MAX_OPENED: usize = 65_536;
/// How long something may be missing before it is asked for: it may be on its way.
pub const ASK_AFTER: Millis = 10 * MINUTE;
/// The pause before it is asked for again; each is twice the one before.
pub const ASK_PACE: Millis = 30 * MINUTE;
/// How often that pause doubles: to eight hours.
pub const MOST_ASKED: u8 = 4;
/// The same at the quick pace, which begins with a tenth of that pause and ends with the same: what nobody can give is not to be asked for
/// all day.
pub const MOST_ASKED_QUICKLY: u8 = 8;
/// How often what is newly missing is asked for at once while something else is missing all the time: somebody may name what there is not,
/// and everybody else would ask for it all day.
pub const MOST_ASKED_AT_ONCE: u8 = 32;
/// How often somebody asks who went: for three to five days. What others said to each other while they did not know of it is missing
/// for good.
pub const MOST_ASKED_OUTSIDE: u8 = 16;
/// What was asked for by those who may not have it, and is not answered twice: 128 KB; forty operations for each of fifty devices.
pub const MAX_KEPT_FROM: usize = 2_048;
/// What somebody lacks: questions at hand, one of each device.
pub const MAX_QUESTIONS: usize = 64;
/// How old a question may be when it arrives, by its own date: it waits at relays for whoever opens the app every other day.
pub const QUESTION_AGE: Millis = 3 * DAY;
/// Answered questions that are remembered, for as long as one may arrive again.
pub const MAX_ANSWERED: usize = 1_024;
/// Answers to one device in a day: as often as it asks at the calm pace for what it has long lacked, with some to spare.
pub const MAX_ANSWERS_EACH: usize = 12;
/// How many members answer one question, one after the other. The next question has others.
pub const ANSWERING: u64 = 4;
/// Loads that wait to leave beside one's own words, beyond which no more is answered.
pub const MAX_WORDS: usize = 32;
/// How long each member waits for those before it to answer.
pub const ANSWER_PACE: Millis = 20 * MINUTE;
/// How long a question waits for an answer: then it is asked again.
pub const QUESTION_LIFE: Millis = 8 * HOUR;
/// When a device speaks up by itself: nobody has answered to what it said last, or nothing came under the keys that it would use. Whoever
/// lacks keys or words of others shows it by that, and hears of what they lack.
pub const REMIND_AFTER: Millis = DAY;
/// The same once more, and then no more until something comes: most people have opened the app by then.
pub const REMIND_AGAIN: Millis = 4 * DAY;
/// How long each device to which nothing came waits for those before it to speak up: time enough for what they say to be fetched.
pub const REMIND_PACE: Millis = HOUR;
/// So many speak up one after the other; of more devices than that some do so in the same hour.
pub const REMINDING: u64 = 12;
/// Operations of one device that are supplied from one that is asked for backwards.
pub const SUPPLY_CHAIN: usize = 16;
/// Bytes of operations in one answer: the longest of all fits, and leaves room for a seed in the largest envelope.
pub const SUPPLY_BYTES: usize = komrade_social::collective::MAX_OPERATION_BYTES;
/// How long each member waits for those before it to put a decision into force.
pub const ENACT_PACE: Millis = 5 * MINUTE;
/// Decisions put into force at once.
pub const ENACTED_AT_ONCE: usize = 8;
/// After how many days a post expires where the rules are not known.
pub const EXPIRY_DAYS: u32 = 30;
/// How long a change of members may stay without being final before the person is told.
pub const FINAL_WITHIN: Millis = 30 * DAY;

/// Circles of one's own.
pub const MAX_CIRCLES: usize = 32;
/// Bytes of all that is kept of circles, as they are stored; in memory they take about twice as much, for they are held as bytes and as
/// what they say. Half of it is for one's own: beyond that the person's word is refused, and comments of others take no more than half of
/// that half, so that readers leave room for the owner. The other half is for circles of comrades: beyond that the oldest of the largest
/// of them goes, so that nobody takes the room of the rest.
pub const MAX_CIRCLES_BYTES: usize = 32 * 1024 * 1024;
/// Who reads one circle: what is noted of them fits in one record. Of more comrades than that the circle of all has the first 500 by
/// their ids here; its row counts them.
pub const MAX_CIRCLE_READERS: usize = 500;
/// Circles of comrades that are read, and those that the person left, which are remembered so that they do not come again: the one that
/// was left first makes room.
pub const MAX_CIRCLES_READ: usize = 256;
/// Those of one comrade.
pub const MAX_CIRCLES_OF: usize = 8;
/// The same with those of theirs that the person left: the one that was left first makes room. They can make more of them than that, and
/// add the person again to any.
pub const MAX_CIRCLES_KNOWN_OF: usize = MAX_CIRCLES;
/// How long a post or a comment is kept, by everybody, in days by the owner's clock. Readers take their word for it: bytes are bounded.
pub const CIRCLE_DAYS: u32 = 90;
/// Bytes of operations that one reader is told at once: with all around them an envelope of 16 KiB.
pub const CIRCLE_BUNDLE_BYTES: usize = 12_000;
/// The same in operations: the shortest have some 300 bytes.
pub const MAX_CIRCLE_BUNDLED: usize = 64;
/// Loads of circles that wait in memory for room in a step, of 20 KB at most; what comes beyond is missing, and asked for.
pub const MAX_CIRCLE_ARRIVED: usize = 256;
/// Words to one reader, not acknowledged, of which it is remembered one by one up to where they told; later ones count together.
pub const MAX_CIRCLE_SENT: usize = 6;
/// Comments of one person on one post that the owner's device publishes.
pub const MAX_CIRCLE_COMMENTS_EACH: usize = 50;
/// Comments of one person in one circle that are there at once; half of all operations are for comments of others, so that it takes five
/// of them to fill that.
pub const MAX_CIRCLE_COMMENTS_OF: usize = 200;
/// The same in bytes of operations; eight of them fill half of all bytes.
pub const MAX_CIRCLE_BYTES_OF: usize = 128 * 1024;
/// Comments that were taken back in one circle and are remembered: as many as one person can have there.
pub const MAX_CIRCLE_REFUSED: usize = MAX_CIRCLE_COMMENTS_OF;
/// Comments of one's own that an owner has not published.
pub const MAX_CIRCLE_WAITING: usize = 32;
/// What waits in the outbox of a comrade whom nothing reaches when no more of circles is put there. Circles use half of
/// [`MAX_OUTBOX_TOTAL`], too.
pub const MAX_CIRCLE_UNSENT: usize = 32;
/// How often what is missing is asked for, and the first pause before it is told again: each time may be all that is kept, and each
/// pause is twice the one before, [`MOST_ASKED`] times.
pub const CIRCLE_REWIND: Millis = 6 * HOUR;
/// Posts shown at once.
pub const MAX_CIRCLE_PAGE: u16 = 200;
